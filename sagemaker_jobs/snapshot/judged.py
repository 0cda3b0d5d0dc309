"""How often a holdout has judged before: a holdout used again and again stops being clean."""

from pydantic import BaseModel

from dropforge import layout
from dropforge.aws.documents import find_document
from dropforge.aws.ledger import Ledger

LOOK_BACK = 50


class _Holdout(BaseModel):
    period: str


class _Judged(BaseModel):
    """As much of an evaluation as every release has written."""

    holdout: _Holdout


def times_judged(lake: str, ledger: Ledger, project: str, period: str) -> int:
    """How many of the newest registered models in a row were judged on a period."""
    count = 0
    for model in reversed(ledger.models(project)[-LOOK_BACK:]):
        evaluation = find_document(layout.evaluation(lake, project, model.run), _Judged)
        if evaluation is None or evaluation.holdout.period != period:
            break
        count += 1
    return count
