"""Trained as the training job trains, then the test rows scored as the scoring job scores.

python -m benchmarks.ours.learn SNAPSHOT TEST OUT
"""

import os
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from sagemaker_jobs.boosting.scorer import Scorer
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.train import train


def learn(snapshot: Path, test: Path, out: Path) -> int:
    """Write the test rows' scores as doubles; answers how many."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        artifact = Path(folder) / "model"
        train(snapshot, artifact, run="bench")
        scorer = Scorer.load(artifact, threads=os.cpu_count() or 1)
        rows = pq.ParquetFile(test).read()
        scores = scorer.scores(frame_from_arrow(rows, scorer.features))
    scores.astype("<f8").tofile(out)
    return len(scores)


if __name__ == "__main__":
    print(learn(*map(Path, sys.argv[1:])))
