"""The product's own code, each measured thing as one process that starts as a job does."""

from sagemaker_jobs import startup

startup.configure("prepare")  # as `python -m sagemaker_jobs` does, before anything else is imported
