"""A training snapshot of a lake that is a folder, and test rows that no file of it has.

python -m benchmarks.ours.snapshot LAKE OUT TRIALS BLOCKS

leaves OUT/snapshot (as Prepare writes it) and OUT/test.parquet (BLOCKS times 16,384 rows).
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dropforge.project import ProjectSpec
from dropforge.project_folder import load_project
from projects.home_credit import data
from sagemaker_jobs import labels
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.snapshot.rows import LABEL

TEST_SEED = 4711
PROJECT = Path(__file__).resolve().parents[2] / "projects" / "home_credit"


def project(trials: int) -> ProjectSpec:
    """The Home Credit project with so many trials."""
    spec = load_project(PROJECT)
    return spec.model_copy(update={"tune": spec.tune.model_copy(update={"trials": trials})})


def write_test(spec: ProjectSpec, target: Path, blocks: int) -> None:
    """Rows of another seed than the history's, with their label."""
    tables = [_labelled(spec, data.block(number, TEST_SEED)) for number in range(blocks)]
    pq.write_table(pa.concat_tables(tables), target)


def _labelled(spec: ProjectSpec, table: pa.Table) -> pa.Table:
    text = labels.canonical_column(table.column(spec.target).cast(pa.string()))
    return table.append_column(LABEL, pa.array(labels.positives(text, spec.positive)))


if __name__ == "__main__":
    lake, out, trials, blocks = sys.argv[1:]
    spec = project(int(trials))
    folder = Path(out)
    folder.mkdir(parents=True)
    build_snapshot(spec, History(f"{lake}/history"), None, folder / "snapshot", "s3://bench/")
    parts = [
        pq.ParquetFile(folder / "snapshot" / f"{p}.parquet").read() for p in ("train", "validation")
    ]
    pq.write_table(pa.concat_tables(parts), folder / "train.parquet")
    write_test(spec, folder / "test.parquet", int(blocks))
