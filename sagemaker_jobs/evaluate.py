"""The judging job: figures on the holdout, the champion on the same rows, and the report.

Also finishes the artifact: baseline.json, golden.jsonl and card.md, and asks the server's own code
for the golden answers in a fresh process before anything is deployed.
"""

import json
import logging
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from dropforge import layout
from dropforge.errors import ArtifactBroken, NoTrainingData
from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec, parse_project
from dropforge.verdict import decide
from sagemaker_jobs import paths
from sagemaker_jobs.artifact.baseline import read_baseline
from sagemaker_jobs.artifact.twin import MODEL, judged_folder
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.judging.drift import drift
from sagemaker_jobs.judging.finish import (
    artifact_bytes,
    check_served,
    finish_artifact,
    read_sample,
    row_latency_ms,
)
from sagemaker_jobs.judging.importance import Explained, explain
from sagemaker_jobs.judging.judge import judge, threads
from sagemaker_jobs.judging.leakage import leakage
from sagemaker_jobs.judging.measured import holdout_facts, measured
from sagemaker_jobs.judging.stability import unstable_features
from sagemaker_jobs.judging.unseen import contender, judgeable
from sagemaker_jobs.learning.dataset import read_table
from sagemaker_jobs.report.card import write_card
from sagemaker_jobs.report.context import Report, ReportContext, ShapSample
from sagemaker_jobs.report.write import write_report
from sagemaker_jobs.settings import Settings, job_parser
from sagemaker_jobs.snapshot.columns import KEY
from sagemaker_jobs.snapshot.keys import read_keys

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Run the job as the pipeline starts it."""
    parser = job_parser("evaluate")
    parser.add_argument("--champion-version")
    parser.add_argument("--reference-version")
    parser.add_argument("--artifact-uri")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment()
    artifact, out = paths.processing_input("artifact"), paths.processing_output("evaluation")
    snapshot = paths.processing_input("snapshot")
    added = evaluate(
        snapshot=snapshot,
        artifact=artifact,
        champion=_input("champion", given.champion_version),
        champion_version=given.champion_version,
        reference=_input("reference", given.reference_version),
        reference_version=given.reference_version,
        out=out,
        run=given.run,
        artifact_uri=given.artifact_uri or input_uri("artifact"),
        report_uri=str(layout.report(settings.lake_bucket, given.project, given.run)),
    )
    output = paths.processing_output("artifact")
    for name in added:
        shutil.copyfile(artifact / name, output / name)
    if settings.tracking_server:
        # Imported for those who have a server: the HTTP client is not for nothing.
        from sagemaker_jobs.track import track

        spec = parse_project((snapshot / "spec.json").read_text(encoding="utf-8"))
        track(settings.tracking_server, settings.stage, spec, out, artifact)


def _input(name: str, version: str | None) -> Path | None:
    folder = paths.processing_input(name)
    return folder if version and folder.exists() else None


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
    out: Path,
    run: str,
    artifact_uri: str,
    report_uri: str,
    champion: Path | None = None,
    champion_version: str | None = None,
    reference: Path | None = None,
    reference_version: str | None = None,
) -> list[str]:
    """Write evaluation.json and report.html to `out`; answers the files added to the artifact.

    `champion` and `reference` are the folders of earlier models' artifacts.

    Raises:
        ArtifactBroken: the server's code does not answer the golden rows as the batch scorer does.
        NoTrainingData: the holdout holds one outcome only.
        FeaturesFailed: the project's features.py cannot compute the holdout's features.
    """
    started = time.perf_counter()
    spec = parse_project((snapshot / "spec.json").read_text(encoding="utf-8"))
    document = json.loads((snapshot / "snapshot.json").read_text(encoding="utf-8"))
    folder = judged_folder(artifact)
    scorer = Scorer.load(artifact, threads(), str((folder / MODEL).relative_to(artifact)))
    holdout = read_table(snapshot / "holdout.parquet")
    train = read_sample(snapshot / "train.parquet")
    _check_holdout(spec, holdout)
    judged = judge(
        spec,
        holdout,
        scorer,
        run,
        contender(champion, champion_version),
        contender(reference, reference_version),
    )
    deployed = scorer if folder == artifact else Scorer.load(artifact, threads())
    golden = finish_artifact(spec, artifact, deployed, train)
    # What changes with the rows beside it is answered one way or the other: it is rejected by name.
    unstable = unstable_features(scorer.features, judged.table, spec.tune.seed)
    if not unstable:
        check_served(artifact)
    before = read_baseline(champion) if champion else None
    explained = explain(scorer, judged.table, spec.tune.seed)
    same_rows = int(np.isin(holdout.column(KEY).to_numpy(), read_keys(folder)).sum())
    evaluation = Evaluation(
        project=spec.name,
        project_version=spec.version,
        run=run,
        task=spec.task,
        metric=spec.metric,
        holdout=holdout_facts(document, judged),
        refit="none" if folder == artifact else "all",
        leakage=leakage(spec, train, holdout, scorer.features, document, same_rows),
        unstable_features=unstable,
        drift=drift(judged.table, before),
        artifact_uri=artifact_uri,
        artifact_bytes=artifact_bytes(artifact),
        row_latency_ms=row_latency_ms(deployed, judged.table),
        golden_rows=golden,
        component_check="not run" if unstable else "passed",
        report_uri=report_uri,
        **measured(spec, judged, explained),
        seconds=time.perf_counter() - started,
    )
    lineage = json.loads((artifact / "lineage.json").read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(evaluation.model_dump_json(indent=1), encoding="utf-8")
    context = ReportContext(document, judged.table, train, before, _shap(scorer, explained))
    verdict = decide(spec, evaluation)
    write_report(out / "report.html", Report(spec, evaluation, verdict, judged, lineage, context))
    write_card(artifact, spec, evaluation, lineage)
    value = evaluation.challenger.metrics[spec.metric].value
    logger.info("%s %.4f on %d rows", spec.metric, value, len(judged.labels))
    return ["baseline.json", "golden.jsonl", "card.md"]


def _check_holdout(spec: ProjectSpec, holdout: pa.Table) -> None:
    if not judgeable(spec.task, holdout):
        held = "too few rows" if spec.task == "regression" else f"one outcome of {spec.target} only"
        raise NoTrainingData(
            f"The holdout of {spec.name} ({holdout.num_rows:,} rows) holds {held}: "
            "no model can be judged on it. The champion and the history are unchanged."
        )


def _shap(scorer: Scorer, explained: Explained) -> ShapSample:
    features = scorer.features
    return ShapSample(
        values=explained.of_decision,
        inputs=explained.matrix,
        features=features.features,
        categorical=frozenset(features.categorical),
    )
