"""The last files of an artifact, and the proof that the server's code answers with it."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dropforge.errors import ArtifactBroken
from dropforge.project import ProjectSpec
from sagemaker_jobs.artifact.baseline import make_baseline, write_baseline
from sagemaker_jobs.artifact.golden import golden_rows, write_golden
from sagemaker_jobs.artifact.keeping import keeping
from sagemaker_jobs.artifact.synthetic import make_rows
from sagemaker_jobs.boosting.scorer import Scorer, read_contract
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.frame import PERIOD
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.learning.dataset import row_groups
from sagemaker_jobs.snapshot.columns import LABEL

SAMPLE_ROWS = 500_000
LATENCY_ROWS = 200
ANY_PERIOD = "2020-01-01"
"""The golden rows' period of a history without periods: any, but always the same."""


def read_sample(path: Path, rows: int = SAMPLE_ROWS) -> pa.Table:
    """A split's rows; of more than `rows` so many, evenly over the file, a row group at a time."""
    file = pq.ParquetFile(path)
    step = -(-file.metadata.num_rows // rows)
    if step <= 1:
        return file.read()
    parts, start = [], 0
    for part in row_groups(path):
        parts.append(part.take(list(range(-start % step, part.num_rows, step))))
        start += part.num_rows
    return pa.concat_tables(parts)


def finish_artifact(spec: ProjectSpec, artifact: Path, scorer: Scorer, train: pa.Table) -> int:
    """Write the baseline of the training rows and the golden rows; answers how many are golden."""
    scores = scorer.scores(frame_from_arrow(train, scorer.features))
    known = train.column(LABEL).to_numpy().astype(np.float64)
    inputs = scorer.features.inputs
    baseline = make_baseline(train, inputs, scores, known, task=scorer.task, classes=scorer.classes)
    write_baseline(artifact, baseline)
    rows = make_rows(
        inputs,
        baseline,
        spec.tune.seed,
        keys=_keys(spec, scorer.features),
        period=_period(train) if scorer.features.reads_period else None,
    )
    rows = keeping(rows, read_contract(artifact))
    answers = scorer.outcome(scorer.scores(RowReader(scorer.features).from_objects(rows)))
    golden = golden_rows(rows, answers)
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


def row_latency_ms(scorer: Scorer, table: pa.Table) -> float:
    """The median time of scoring a single row, features included, in this process."""
    frames = [
        frame_from_arrow(table.slice(index % table.num_rows, 1), scorer.features)
        for index in range(LATENCY_ROWS)
    ]
    times = []
    for frame in frames:
        started = time.perf_counter()
        scorer.scores(frame)
        times.append(time.perf_counter() - started)
    return float(np.median(times) * 1000)


def artifact_bytes(artifact: Path) -> int:
    """The size of all of an artifact's files."""
    return sum(path.stat().st_size for path in artifact.rglob("*") if path.is_file())


def _keys(spec: ProjectSpec, features: FittedFeatures) -> dict[str, list[str | float]]:
    """Keys that aggregates are kept of, for golden rows; none of a personal column."""
    if not features.aggregates:
        return {}
    hidden = spec.personal_columns
    return {
        table.by: [key for key in table.rows if isinstance(key, str | float)]
        for table in features.key_tables()
        if table.by not in hidden
    }


def _period(train: pa.Table) -> str:
    """The newest period's first day."""
    newest = pc.max(train.column(PERIOD)).as_py() if PERIOD in train.schema.names else None
    return str(newest) if newest else ANY_PERIOD
