"""Where SageMaker puts files, and where it looks for them.

The only module that reads DROPFORGE_ML_ROOT: the local cloud gives every job a root of its own.
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import os
from pathlib import Path


def root() -> Path:
    """`/opt/ml`, or what stands for it."""
    return Path(os.environ.get("DROPFORGE_ML_ROOT", "/opt/ml"))


def model() -> Path:
    """The artifact: written by Train, read by Serve."""
    return root() / "model"


def channel(name: str) -> Path:
    """A training job's input channel."""
    return root() / "input" / "data" / name


def hyperparameters() -> Path:
    """A training job's hyperparameters, a JSON object of strings."""
    return root() / "input" / "config" / "hyperparameters.json"


def processing_input(name: str) -> Path:
    """A processing job's input."""
    return root() / "processing" / "input" / name


def processing_output(name: str) -> Path:
    """A processing job's output, created if need be."""
    folder = root() / "processing" / "output" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def processing_config() -> Path:
    """The processing job's own description, with the S3 URI of every input."""
    return root() / "config" / "processingjobconfig.json"


def failure() -> Path:
    """The text that becomes a training job's FailureReason."""
    return root() / "output" / "failure"


def message() -> Path:
    """The text that becomes a processing job's ExitMessage: at most 1 KB of UTF-8."""
    return root() / "output" / "message"


def scratch() -> Path:
    """Where a job keeps files that nobody collects."""
    folder = root() / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
