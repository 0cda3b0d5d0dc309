"""A small artifact, trained in milliseconds, whose features and contract a test chooses."""

import json
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from dropforge.features import FeaturesSpec
from dropforge.project import ProjectSpec
from sagemaker_jobs.artifact.contract import write_contract
from sagemaker_jobs.boosting.scorer import Output
from sagemaker_jobs.features.arrow import frame_from_arrow
from sagemaker_jobs.features.fit import fit_features, write_features
from tests.unit.jobs.conftest import loans, make_spec

LOANS = loans(1500, 7)
COLUMNS: dict[str, Any] = {
    "loan_id": {"type": "string", "role": "id"},
    "income": {"type": "number"},
    "amount": {"type": "number"},
    "age": {"type": "integer"},
    "job": {"type": "string"},
    "default": {"type": "string", "role": "target"},
}


def small_spec(columns: dict[str, Any], rules: Any = (), **features: Any) -> ProjectSpec:
    """A project over the loans, with changes to its columns."""
    return make_spec(
        protected=[],
        features={"keep": ["income", "amount", "age", "job"], **features},
        contract={
            "columns": {name: c | columns.get(name, {}) for name, c in COLUMNS.items()},
            "rules": [*rules],
        },
    )


def write_small(folder: Path, spec: ProjectSpec) -> Path:
    """Write the artifact: features.json, contract.json and model.txt."""
    assert spec.contract is not None
    assert isinstance(spec.features, FeaturesSpec)
    features = fit_features(spec.features, LOANS, clamps=spec.contract.clamps)
    matrix = features.matrix(frame_from_arrow(LOANS, features))
    labels = np.asarray(LOANS.column("default").cast(pa.float64()))
    places = [features.features.index(name) for name in features.categorical]
    dataset = lgb.Dataset(matrix, labels, categorical_feature=places)
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    lgb.train(parameters, dataset, num_boost_round=30).save_model(folder / "model.txt")
    write_features(folder, features)
    write_contract(folder, spec, features, Output("binary", threshold=0.5))
    return folder


def as_json(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a body of application/json."""
    return json.dumps(rows).encode()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a body of application/jsonlines."""
    return b"\n".join(json.dumps(row).encode() for row in rows)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a body of text/csv, with a header."""
    lines = [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *lines]).encode()


ROADS = {
    "application/json": as_json,
    "application/jsonlines": as_lines,
    "text/csv": as_csv,
}
