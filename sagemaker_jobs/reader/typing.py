"""Text to types: by the contract, else by the history, and by inference for the first file only."""

from sagemaker_jobs.reader.conversion import ARROW, EXACT, Typed, as_text, convert
from sagemaker_jobs.reader.evidence import FEW, KindEvidence, infer_kinds, mostly_numbers

__all__ = [
    "ARROW",
    "EXACT",
    "FEW",
    "KindEvidence",
    "Typed",
    "as_text",
    "convert",
    "infer_kinds",
    "mostly_numbers",
]
