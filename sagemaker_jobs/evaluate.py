"""The judging job: figures on the holdout, the champion on the same rows, and the report.

Also finishes the artifact: baseline.json, golden.jsonl and card.md, and asks the server's own code
for the golden answers in a fresh process before anything is deployed.
"""

import json
import logging
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from dropforge import layout
from dropforge.errors import ArtifactBroken, NoTrainingData
from dropforge.evaluation import Evaluation, Holdout
from dropforge.project import ProjectSpec, parse_project
from dropforge.verdict import decide
from sagemaker_jobs import labels, paths
from sagemaker_jobs.artifact.baseline import make_baseline, read_baseline, write_baseline
from sagemaker_jobs.artifact.golden import Golden, make_rows, write_golden
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.frame import RowReader
from sagemaker_jobs.judging.card import write_card
from sagemaker_jobs.judging.drift import drift
from sagemaker_jobs.judging.fairness import fairness
from sagemaker_jobs.judging.judge import Judged, importances, judge, row_latency_ms
from sagemaker_jobs.judging.report import Report, write_report
from sagemaker_jobs.learning.dataset import read_table
from sagemaker_jobs.settings import Settings, job_parser
from sagemaker_jobs.snapshot.rows import LABEL

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Run the job as the pipeline starts it."""
    parser = job_parser("evaluate")
    parser.add_argument("--champion-version")
    parser.add_argument("--artifact-uri")
    given = parser.parse_args(arguments)
    champion = paths.processing_input("champion")
    settings = Settings.from_environment()
    artifact = paths.processing_input("artifact")
    added = evaluate(
        snapshot=paths.processing_input("snapshot"),
        artifact=artifact,
        champion=champion if given.champion_version and champion.exists() else None,
        champion_version=given.champion_version,
        out=paths.processing_output("evaluation"),
        run=given.run,
        artifact_uri=given.artifact_uri or input_uri("artifact"),
        report_uri=str(layout.report(settings.lake_bucket, given.project, given.run)),
    )
    output = paths.processing_output("artifact")
    for name in added:
        shutil.copyfile(artifact / name, output / name)


def input_uri(name: str) -> str:
    """The S3 URI of an input, from the job's own description."""
    config = json.loads(paths.processing_config().read_text(encoding="utf-8"))
    for item in config["ProcessingInputs"]:
        if item["InputName"] == name:
            return str(item["S3Input"]["S3Uri"])
    raise ArtifactBroken(f"The job's description names no input {name}.")


def evaluate(
    *,
    snapshot: Path,
    artifact: Path,
    champion: Path | None,
    champion_version: str | None,
    out: Path,
    run: str,
    artifact_uri: str,
    report_uri: str,
) -> list[str]:
    """Write evaluation.json and report.html to `out`; answers the files added to the artifact.

    Raises:
        ArtifactBroken: the server's code does not answer the golden rows as the batch scorer does.
        NoTrainingData: the holdout holds one outcome only.
    """
    started = time.perf_counter()
    spec = parse_project((snapshot / "spec.json").read_text(encoding="utf-8"))
    document = json.loads((snapshot / "snapshot.json").read_text(encoding="utf-8"))
    scorer = Scorer.load(artifact)
    holdout = read_table(snapshot / "holdout.parquet")
    _check_holdout(spec, np.asarray(holdout.column(LABEL).to_numpy()))
    judged = judge(spec, holdout, scorer, run, champion, champion_version)
    golden = finish_artifact(spec, snapshot, artifact, scorer)
    check_served(artifact)
    evaluation = Evaluation(
        project=spec.name,
        project_version=spec.version,
        run=run,
        metric=spec.metric,
        holdout=Holdout(
            period=document["summary"]["holdout_period"],
            rows=len(judged.labels),
            positives=int(judged.labels.sum()),
            seen_rows=judged.seen_rows,
            judged_before=document["judged_before"],
        ),
        challenger=judged.figures[0],
        champion=judged.figures[1] if judged.champion else None,
        champion_problem=judged.champion_problem,
        comparison=judged.comparison,
        fairness=fairness(
            judged.table,
            spec.protected_columns,
            favourable_decisions(spec, judged),
            judged.labels,
            scorer.features.features,
        ),
        drift=drift(judged.table, read_baseline(champion) if champion else None),
        importance=importances(scorer),
        artifact_uri=artifact_uri,
        artifact_bytes=sum(path.stat().st_size for path in artifact.iterdir()),
        row_latency_ms=row_latency_ms(scorer, judged.table),
        golden_rows=golden,
        report_uri=report_uri,
        seconds=time.perf_counter() - started,
    )
    lineage = json.loads((artifact / "lineage.json").read_text(encoding="utf-8"))
    verdict = decide(spec, evaluation)
    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(evaluation.model_dump_json(indent=1), encoding="utf-8")
    write_report(out / "report.html", Report(spec, evaluation, verdict, judged, lineage))
    write_card(artifact, spec, evaluation, lineage)
    logger.info("%s %.4f on %d rows", spec.metric, _main(evaluation), len(judged.labels))
    return ["baseline.json", "golden.jsonl", "card.md"]


def finish_artifact(spec: ProjectSpec, snapshot: Path, artifact: Path, scorer: Scorer) -> int:
    """Write the baseline of the training rows and the golden rows; answers how many are golden."""
    train = read_table(snapshot / "train.parquet")
    scores = scorer.scores(frame_from_arrow(train, scorer.features.inputs))
    known = train.column(LABEL).to_numpy().astype(np.float64)
    baseline = make_baseline(train, scorer.features.inputs, scores, known)
    write_baseline(artifact, baseline)
    rows = make_rows(scorer.features.inputs, baseline, spec.tune.seed)
    golden_scores = scorer.scores(RowReader(scorer.features.inputs).from_objects(rows))
    decisions = scorer.decisions(golden_scores)
    golden = [
        Golden(f"golden-{number}", row, float(score), int(decision))
        for number, (row, score, decision) in enumerate(
            zip(rows, golden_scores, decisions, strict=True), start=1
        )
    ]
    write_golden(artifact, golden)
    return len(golden)


def check_served(artifact: Path) -> None:
    """Ask the server's code for the golden answers in a fresh process.

    Raises:
        ArtifactBroken: it does not load, or it answers otherwise.
    """
    code = (
        "import pathlib, sys; from sagemaker_jobs.serving.model import ServedModel; "
        "folder = pathlib.Path(sys.argv[1]); ServedModel.load(folder, 'check').check_golden(folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(artifact)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ArtifactBroken(
            f"The server cannot serve the new model: {last[0]}. Nothing was deployed."
        )


def favourable_decisions(spec: ProjectSpec, judged: Judged) -> np.ndarray:
    """Whether each decision is the one a person hopes for."""
    hopes_for_positive = spec.favourable is not None and (
        labels.canonical(spec.favourable) == labels.canonical(spec.positive)
    )
    return judged.challenger.decisions == (1 if hopes_for_positive else 0)


def _check_holdout(spec: ProjectSpec, known: np.ndarray) -> None:
    if len(np.unique(known)) < 2:
        raise NoTrainingData(
            f"The holdout of {spec.name} ({len(known):,} rows) holds one outcome of "
            f"{spec.target} only: "
            "no model can be judged on it. The champion and the history are unchanged."
        )


def _main(evaluation: Evaluation) -> float:
    value = evaluation.challenger.metrics[evaluation.metric].value
    return value if math.isfinite(value) else 0.0
