"""Sending a judged training to the stage's tracking server, which may be down."""

import datetime as dt
import json
import logging
from pathlib import Path

from dropforge.aws.mlflow import MLflowServer, TrackingUnavailable
from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec
from dropforge.tracking import TrackingOutcome, tracked_run
from dropforge.verdict import decide

logger = logging.getLogger(__name__)

FILE = "tracking.json"


def track(address: str, stage: str, spec: ProjectSpec, out: Path, artifact: Path) -> None:
    """Send what Evaluate wrote to `out` and `artifact`, and write what became of that to `out`.

    A server that is down fails nothing: `dropforge mlflow --to` sends what could not be sent.
    """
    evaluation = Evaluation.model_validate_json((out / "evaluation.json").read_bytes())
    lineage = json.loads((artifact / "lineage.json").read_text(encoding="utf-8"))
    now = dt.datetime.now(dt.UTC)
    run = tracked_run(evaluation, decide(spec, evaluation), lineage, stage=stage, ended=now)
    files = {
        "report.html": (out / "report.html").read_bytes(),
        "card.md": (artifact / "card.md").read_bytes(),
    }
    try:
        server = MLflowServer(address)
        place = server.place(run, server.track(run, files))
    except TrackingUnavailable as error:
        logger.warning("not tracked: %s", error.message)
        outcome = TrackingOutcome(state="failed", server=address, message=error.message)
    else:
        outcome = TrackingOutcome(state="tracked", server=address, place=place)
    (out / FILE).write_text(outcome.model_dump_json(indent=1), encoding="utf-8")
