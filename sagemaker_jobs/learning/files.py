"""From a snapshot's files to an artifact's: the steps that training and replaying share."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from dropforge.project import ProjectSpec
from sagemaker_jobs.artifact.lineage import Made
from sagemaker_jobs.features.aggregates import FILE as AGGREGATES_FILE
from sagemaker_jobs.features.fit import fit_features, write_features
from sagemaker_jobs.features.pipeline import FittedFeatures
from sagemaker_jobs.learning.dataset import ColumnFile
from sagemaker_jobs.learning.loading import Loader, Source
from sagemaker_jobs.snapshot.keys import digest, write_keys


def fit_into(artifact: Path, spec: ProjectSpec, snapshot: Path) -> FittedFeatures:
    """Fit the features on the training rows and write them into the artifact."""
    train = cast(pa.Table, ColumnFile(snapshot / "train.parquet"))
    features = fit_features(
        spec.features,
        train,
        files=spec.files,
        period_unit=spec.period,
        clamps=spec.contract.clamps if spec.contract else None,
    )
    artifact.mkdir(parents=True, exist_ok=True)
    write_features(artifact, features)
    if (snapshot / AGGREGATES_FILE).exists():
        shutil.copyfile(snapshot / AGGREGATES_FILE, artifact / AGGREGATES_FILE)
    return features


def split_source(
    snapshot: Path, splits: Sequence[str], features: FittedFeatures, loader: Loader
) -> Source:
    """The rows of one or several splits, in that order."""
    return Source([snapshot / f"{name}.parquet" for name in splits], features, loader)


def write_model(
    folder: Path, text: str, parameters: dict[str, Any], sources: Sequence[Source]
) -> Made:
    """Write model.txt and the keys of the rows that it was made from."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.txt").write_text(text, encoding="utf-8")
    keys = np.concatenate([source.keys for source in sources])
    write_keys(folder, keys)
    return Made(hashlib.sha256(text.encode()).hexdigest(), digest(keys), len(keys), parameters)
