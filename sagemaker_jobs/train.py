"""The training job: snapshot in, model artifact out. No network, no AWS.

Writes model.txt, features.json, contract.json, lineage.json and row_keys.bin to /opt/ml/model, and
features.py and aggregates.parquet where the project has them; with `refit: all` also
judged/model.txt, which is the model that was chosen, and judged/row_keys.bin.
"""

import json
import logging
import os
import time
from pathlib import Path
from typing import Any, Literal

from dropforge.project import parse_project
from sagemaker_jobs import paths
from sagemaker_jobs.artifact.contract import write_contract
from sagemaker_jobs.artifact.lineage import write_lineage
from sagemaker_jobs.artifact.twin import JUDGED
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.learning.decision import fit_output
from sagemaker_jobs.learning.files import fit_into, split_source, write_model
from sagemaker_jobs.learning.loading import MATRIX_MAX_BYTES, binned_rows, choose_loader
from sagemaker_jobs.learning.parameters import choose_threads, model_parameters
from sagemaker_jobs.learning.tune import Search, Tuned, fit_rounds

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Run the job as SageMaker starts it: channels and hyperparameters lie in files.

    The hyperparameter `matrix_max_bytes` says how large a matrix may be held in memory.
    """
    del arguments  # a training job gets none
    given = json.loads(paths.hyperparameters().read_text(encoding="utf-8"))
    limit = int(given.get("matrix_max_bytes", MATRIX_MAX_BYTES))
    train(paths.channel("snapshot"), paths.model(), run=given["run"], matrix_max_bytes=limit)


def train(
    snapshot: Path,
    artifact: Path,
    *,
    run: str,
    threads: int | None = None,
    matrix_max_bytes: int = MATRIX_MAX_BYTES,
) -> Tuned:
    """Fit features, search, calibrate, choose the threshold, and write the artifact."""
    started = time.perf_counter()
    spec = parse_project((snapshot / "spec.json").read_text(encoding="utf-8"))
    document = json.loads((snapshot / "snapshot.json").read_text(encoding="utf-8"))
    features = fit_into(artifact, spec, snapshot)
    width = len(features.features)
    rows = split_rows(document, spec.refit)
    loader = choose_loader(sum(rows.values()), width, matrix_max_bytes)
    threads = threads or choose_threads(rows["train"], width, os.cpu_count() or 1)
    learnt, validation = (
        split_source(snapshot, [name], features, loader) for name in ("train", "validation")
    )
    binned = binned_rows(rows["train"], width, matrix_max_bytes)
    tuned = Search(spec, learnt, validation, binned, threads).run(document["warm_start"])
    folder = artifact / JUDGED if spec.refit == "all" else artifact
    chosen = write_model(folder, tuned.model, tuned.parameters, [learnt, validation])
    output = fit_output(spec, Booster(folder / "model.txt"), validation)
    write_contract(artifact, spec, features, output, document["known_columns"])
    again = None
    if spec.refit == "all":
        whole = split_source(snapshot, list(rows), features, loader)
        binned = binned_rows(whole.rows, width, matrix_max_bytes)
        parameters = model_parameters(spec, tuned.best.chosen, binned, threads)
        text = fit_rounds(whole, parameters, tuned.best.rounds)
        again = write_model(artifact, text, parameters, [whole])
    write_lineage(
        artifact,
        spec,
        document,
        tuned,
        run=run,
        threads=threads,
        loader=loader,
        rows=rows,
        model=again or chosen,
        judged=chosen if again else None,
    )
    logger.info("trained %d trials in %.1f s", len(tuned.trials), time.perf_counter() - started)
    return tuned


def split_rows(document: dict[str, Any], refit: Literal["none", "all"]) -> dict[str, int]:
    """The rows that the model is made from, by split, in the order in which they are read."""
    names = ("train", "validation", *(("holdout",) if refit == "all" else ()))
    return {name: document["summary"][f"{name}_rows"] for name in names}
