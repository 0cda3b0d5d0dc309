"""The training job: snapshot in, model artifact out. No network, no AWS.

Writes model.txt, features.json, contract.json, lineage.json and row_keys.bin to /opt/ml/model.
"""

import json
import logging
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from dropforge.project import ProjectSpec, parse_project
from sagemaker_jobs import paths
from sagemaker_jobs.artifact.write import write_contract, write_lineage
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.features.fit import fit_features
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.learning.calibration import fit_sigmoid
from sagemaker_jobs.learning.dataset import Rows, read_table, rows_of
from sagemaker_jobs.learning.parameters import choose_threads
from sagemaker_jobs.learning.threshold import choose_threshold
from sagemaker_jobs.learning.tune import Search, Tuned, save

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Run the job as SageMaker starts it: channels and hyperparameters lie in files."""
    del arguments  # a training job gets none
    hyperparameters = json.loads(paths.hyperparameters().read_text(encoding="utf-8"))
    train(paths.channel("snapshot"), paths.model(), run=hyperparameters["run"])


def train(snapshot: Path, artifact: Path, *, run: str, threads: int | None = None) -> Tuned:
    """Fit features, search, calibrate, choose the threshold, and write the artifact."""
    started = time.perf_counter()
    spec = parse_project((snapshot / "spec.json").read_text(encoding="utf-8"))
    document = json.loads((snapshot / "snapshot.json").read_text(encoding="utf-8"))
    table = read_table(snapshot / "train.parquet")
    features = fit_features(spec.features, table)
    train_rows = rows_of(table, features)
    rows, columns = train_rows.matrix.shape
    threads = threads or choose_threads(rows, columns, os.cpu_count() or 1)
    validation = rows_of(read_table(snapshot / "validation.parquet"), features)
    names = feature_names(features.features)
    categorical = [features.features.index(name) for name in features.categorical]
    search = Search(spec, train_rows, validation, names, categorical, threads)
    tuned = search.run(document["warm_start"])
    artifact.mkdir(parents=True, exist_ok=True)
    save(tuned.booster, tuned.best.rounds, artifact / "model.txt")
    (artifact / "features.json").write_text(features.to_json(), encoding="utf-8")
    _decide(spec, artifact, validation, features, document["known_columns"])
    write_lineage(
        artifact,
        spec,
        document,
        tuned,
        run=run,
        threads=threads,
        keys=(train_rows.keys, validation.keys),
    )
    logger.info("trained %d trials in %.1f s", len(tuned.trials), time.perf_counter() - started)
    return tuned


def feature_names(features: Sequence[str]) -> list[str]:
    """The features' names inside model.txt, where LightGBM refuses JSON's special characters.

    features.json has the real ones, in the same order.
    """
    names: list[str] = []
    for position, feature in enumerate(features):
        name = re.sub(r'[\s",:\[\]{}]', "_", feature)
        names.append(f"{name}_{position}" if name in names else name)
    return names


def _decide(
    spec: ProjectSpec, artifact: Path, validation: Rows, features: FittedFeatures, known: list[str]
) -> None:
    """Calibrate and choose the threshold with the very scores that the saved model gives."""
    booster = Booster(artifact / "model.txt")
    if spec.calibration == "sigmoid":
        log_odds = booster.scores(validation.matrix, raw=True)
        sigmoid = fit_sigmoid(log_odds, validation.labels)
        scores = sigmoid(log_odds)
    else:
        sigmoid, scores = None, booster.scores(validation.matrix)
    threshold = choose_threshold(spec.threshold, scores, validation.labels)
    write_contract(artifact, spec, features, threshold, sigmoid, known)
