"""An artifact as the training and the evaluating job leave it, and rows to ask it about.

python -m benchmarks.ours.artifact SNAPSHOT TEST OUT ROUNDS

leaves OUT/model, and OUT/questions.json: rows as callers send them, as the features that the trees
read (for the servers that are measured beside ours), and the answers that are expected.
"""

import csv
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from dropforge.project import ProjectSpec, parse_project
from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.rows import RowReader
from sagemaker_jobs.judging.finish import finish_artifact, read_sample
from sagemaker_jobs.train import train

ROWS = 800
SPEC, SNAPSHOT = "spec.json", "snapshot.json"
CHAMPION = {
    "learning_rate": 0.05,
    "num_leaves": 16,
    "min_data_in_leaf": 300,
    "feature_fraction": 0.4,
    "bagging_fraction": 1.0,
    "lambda_l1": 10.0,
    "lambda_l2": 10.0,
}
"""The parameters that the search starts with: a slow learner's, which has about 200 trees."""


def make(snapshot: Path, test: Path, out: Path, rounds: int) -> None:
    """Train, finish the artifact, and write the questions."""
    out.mkdir(parents=True)
    model = out / "model"
    with tempfile.TemporaryDirectory(prefix="bench-", dir=out) as folder:
        spec = _with_rounds(snapshot, Path(folder), rounds)
        train(Path(folder), model, run="bench", threads=1)
    scorer = Scorer.load(model)
    finish_artifact(spec, model, scorer, read_sample(snapshot / "train.parquet"))
    rows = pq.ParquetFile(test).read_row_group(0).slice(0, ROWS)
    (out / "questions.json").write_text(json.dumps(questions(scorer, rows)), encoding="utf-8")


def questions(scorer: Scorer, rows: pa.Table) -> dict[str, Any]:
    """Rows, features and answers. JSON has no NaN: a missing feature is null."""
    matrix = scorer.features.matrix(frame_from_arrow(rows, scorer.features))
    asked = rows.select(list(RowReader(scorer.features).names))
    known: list[list[float]] = matrix.astype(np.float64).tolist()
    return {
        "trees": scorer.booster.rounds,
        "csv": csv_lines(asked),
        "json": [{name: _plain(value) for name, value in row.items()} for row in asked.to_pylist()],
        "features": list(scorer.features.features),
        "matrix": [[None if value != value else value for value in row] for row in known],
        "scores": scorer.scores(frame_from_arrow(rows, scorer.features)).tolist(),
        "uncalibrated": scorer.booster.scores(matrix).tolist(),
    }


def csv_lines(table: pa.Table) -> list[str]:
    """Rows as callers write them: quotes where they are needed, and not around every text.

    So does SageMaker's own serializer, which is Python's csv; Arrow quotes every text.
    """
    text = io.BytesIO()
    pacsv.write_csv(table, text, pacsv.WriteOptions(include_header=False))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(csv.reader(io.StringIO(text.getvalue().decode())))
    return out.getvalue().splitlines()


def _with_rounds(snapshot: Path, folder: Path, rounds: int) -> ProjectSpec:
    """The snapshot again, told to fit one model of at most so many trees, with CHAMPION's set."""
    spec = parse_project((snapshot / SPEC).read_text(encoding="utf-8"))
    wanted = {"trials": 1, "max_rounds": rounds, "early_stopping_rounds": rounds}
    spec = spec.model_copy(update={"tune": spec.tune.model_copy(update=wanted)})
    document = json.loads((snapshot / SNAPSHOT).read_text(encoding="utf-8"))
    for file in snapshot.iterdir():
        if file.name not in (SPEC, SNAPSHOT):
            (folder / file.name).symlink_to(file.resolve())
    (folder / SPEC).write_text(spec.canonical_json(), encoding="utf-8")
    told = json.dumps(document | {"warm_start": [CHAMPION]})
    (folder / SNAPSHOT).write_text(told, encoding="utf-8")
    return spec


def _plain(value: Any) -> Any:
    return None if value != value else value


if __name__ == "__main__":
    given, unseen, target, trees = sys.argv[1:]
    make(Path(given), Path(unseen), Path(target), int(trees))
