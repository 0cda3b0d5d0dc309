"""A run's documents read back from the lake: what is absent did not happen (yet)."""

from collections.abc import Iterator
from typing import Any

from dropforge import layout
from dropforge.aws.documents import find_document
from dropforge.aws.ledger import Ledger
from dropforge.drops import DropOutcome, DropRecord, PrepareResult, ScoreResult
from dropforge.evaluation import Evaluation
from dropforge.runs import Deployment, Registration, ShadowChange
from dropforge.tracking import TrackingOutcome
from dropforge.verdict import Verdict


def read_documents(lake: str, project: str, run: str) -> dict[str, Any]:
    """The fields of `RunStory` that the run's own documents give."""
    return {
        "prepared": list(_rounds(lake, project, run)),
        "evaluation": find_document(layout.evaluation(lake, project, run), Evaluation),
        "verdict": find_document(layout.verdict(lake, project, run), Verdict),
        "registration": find_document(layout.registration(lake, project, run), Registration),
        "deployment": find_document(layout.deployment(lake, project, run), Deployment),
        "shadow": find_document(layout.shadow(lake, project, run), ShadowChange),
        "scored": find_document(layout.score_result(lake, project, run), ScoreResult),
        "tracking": find_document(layout.tracking(lake, project, run), TrackingOutcome),
    }


def as_of_now(ledger: Ledger, prepared: list[PrepareResult]) -> list[PrepareResult]:
    """What Prepare found, with the states that the ledger gives the drops now."""
    return [
        result.model_copy(
            update={
                "drops": [
                    updated(drop, ledger.drop(result.project, drop.drop)) for drop in result.drops
                ]
            }
        )
        for result in prepared
    ]


def updated(outcome: DropOutcome, record: DropRecord | None) -> DropOutcome:
    """What Prepare found in a file, with the state and the reasons of its record."""
    if record is None:
        return outcome
    return outcome.model_copy(
        update={"state": record.state, "reasons": record.reasons or outcome.reasons}
    )


def _rounds(lake: str, project: str, run: str) -> Iterator[PrepareResult]:
    number = 1
    while result := find_document(layout.prepare_result(lake, project, run, number), PrepareResult):
        yield result
        number += 1
