"""What runs for minutes: the machine learning. One module a job over small libraries.

`python -m sagemaker_jobs prepare|train|evaluate|score|serve` is what the image runs, and what the
local cloud runs in a subprocess: there is no second way in.
"""
