"""Sending a judged training to the stage's tracking server, which may be down."""

import datetime as dt
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dropforge.aws.mlflow import MLflowServer, TrackingUnavailable
from dropforge.evaluation import Evaluation
from dropforge.tracking import TrackingOutcome, tracked_run
from dropforge.verdict import Verdict

logger = logging.getLogger(__name__)

FILE = "tracking.json"


def track(
    address: str,
    stage: str,
    out: Path,
    evaluation: Evaluation,
    verdict: Verdict,
    lineage: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> TrackingOutcome:
    """Send a run, and write what became of that to `out`; a server that is down fails nothing.

    `dropforge mlflow --to` sends what could not be sent.
    """
    run = tracked_run(evaluation, verdict, lineage, stage=stage, ended=dt.datetime.now(dt.UTC))
    try:
        server = MLflowServer(address)
        place = server.place(run, server.track(run, files))
    except TrackingUnavailable as error:
        logger.warning("not tracked: %s", error.message)
        outcome = TrackingOutcome(state="failed", server=address, message=error.message)
    else:
        outcome = TrackingOutcome(state="tracked", server=address, place=place)
    (out / FILE).write_text(outcome.model_dump_json(indent=1), encoding="utf-8")
    return outcome
