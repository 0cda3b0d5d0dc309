"""The functions: what runs for milliseconds. One folder each; `handler.py` parses and answers.

What several of them need stands beside the folders: settings, the typed entry, sending a mail.
They import the domain (`dropforge`), boto3, pydantic and Powertools, and nothing else.
"""
