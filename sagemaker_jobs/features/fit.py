"""Fitting the declared features on the training rows, and on nothing else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from dropforge.errors import ContractBroken, InvalidProject
from dropforge.features import FeaturesSpec, Fill
from dropforge.period import Unit
from sagemaker_jobs.features.aggregates import Aggregated
from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.features.dates import MAX_DAYS, DateFeature
from sagemaker_jobs.features.encoding import Encoding, level_features
from sagemaker_jobs.features.frame import PERIOD, Input, clamped
from sagemaker_jobs.features.levels import fit_category
from sagemaker_jobs.features.pipeline import FILE, Derived, FittedFeatures
from sagemaker_jobs.features.python import FILE as PYTHON_FILE
from sagemaker_jobs.features.python import PythonStep
from sagemaker_jobs.values import Kind


def fit_features(
    spec: FeaturesSpec,
    train: pa.Table,
    *,
    files: Mapping[str, str] | None = None,
    period_unit: Unit = "month",
    clamps: Mapping[str, tuple[float, float]] | None = None,
) -> FittedFeatures:
    """Learn levels and fill values from the training rows.

    `files` are the project's (features.py is among them if features.yml declares it), `period_unit`
    is what its periods are, `clamps` are the contract's: only numbers are clamped.

    Raises:
        ContractBroken: a column is absent.
        InvalidProject: something that features.yml says does not fit the columns' types.
    """
    names = spec.source_columns
    if absent := [name for name in names if name not in train.schema.names]:
        raise ContractBroken(f"features.yml names columns that the rows lack: {', '.join(absent)}.")
    kinds = {name: kind_of(train.schema.field(name).type) for name in names}
    inputs: list[Input] = []
    fill: dict[str, float | str] = {}
    encode: dict[str, Encoding] = {}
    for name, kind in kinds.items():
        # A column at a time: the table may read them from a file.
        column = train.column(name)
        value: float | str | None
        if kind == "string":
            category = fit_category(spec, name, column, encoded=name in spec.selected)
            inputs.append(Input(name, kind, category.levels))
            value = category.fill
            if category.encoding != "native":
                encode[name] = category.encoding
        else:
            clamp = (clamps or {}).get(name) if kind in ("integer", "number") else None
            inputs.append(Input(name, kind, clamp=clamp))
            value = _number_fill(spec, inputs[-1], column)
        if value is not None:
            fill[name] = value
    if spec.needs_period:
        inputs.append(Input(PERIOD, "date"))
    return FittedFeatures(
        inputs=tuple(inputs),
        fill=fill,
        derived=tuple(Derived(n, d) for n, d in spec.ordered_derivations(kinds).items()),
        features=_features(spec, inputs, fill, encode),
        encode=encode,
        dates=_dates(spec, kinds),
        aggregates=tuple(Aggregated(n, item.by) for n, item in spec.aggregates.items()),
        python=_python(spec, files or {}),
        period=period_unit,
    )


def write_features(artifact: Path, fitted: FittedFeatures) -> None:
    """Write features.json, and features.py where the project has one."""
    (artifact / FILE).write_text(fitted.to_json(), encoding="utf-8")
    if fitted.python is not None:
        (artifact / PYTHON_FILE).write_text(fitted.python.source, encoding="utf-8")


def kind_of(kind: pa.DataType) -> Kind:
    """The kind of a lake column."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "string"


def _number_fill(spec: FeaturesSpec, known: Input, column: pa.ChunkedArray) -> float | None:
    name, kind = known.name, known.kind
    rule = spec.impute_rule(name, kind)
    if isinstance(rule, Fill):
        constant = float(rule.constant)
        if kind == "date" and not abs(constant) <= MAX_DAYS:
            raise InvalidProject(
                f"features.yml: impute: constant {constant:g} is no date for {name}: it would be "
                f"days since 1970-01-01. Set impute.{name}."
            )
        return constant
    if rule in ("none", "missing_category"):
        return None
    values = number_column(column, name)
    values = clamped(values[~np.isnan(values)], known.clamp)
    if not len(values):
        return None
    match rule:
        case "median":
            return float(np.median(values))
        case "mean":
            return float(np.mean(values))
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[np.argmax(counts)])


def _features(
    spec: FeaturesSpec,
    inputs: Sequence[Input],
    fill: Mapping[str, float | str],
    encode: Mapping[str, Encoding],
) -> tuple[str, ...]:
    """The matrix's columns: what the model sees, with a feature a level for one-hot columns."""
    known = {column.name: column for column in inputs}
    features: list[str] = []
    for name in spec.model_columns:
        if encode.get(name) == "one_hot":
            features += level_features(known[name], missing=name not in fill)
        else:
            features.append(name)
    if twice := [name for name, count in Counter(features).items() if count > 1]:
        raise InvalidProject(f"features.yml: two features would have the name {twice[0]}.")
    return tuple(features)


def _dates(spec: FeaturesSpec, kinds: Mapping[str, Kind]) -> tuple[DateFeature, ...]:
    for column in spec.dates:
        if kinds[column] != "date":
            raise InvalidProject(
                f"features.yml: dates.{column}: the column's type is {kinds[column]}, not date."
            )
    return tuple(DateFeature(n, column, part) for n, (column, part) in spec.date_parts.items())


def _python(spec: FeaturesSpec, files: Mapping[str, str]) -> PythonStep | None:
    if spec.python is None:
        return None
    if (source := files.get(PYTHON_FILE)) is None:
        raise InvalidProject(f"features.yml: python: the project has no {PYTHON_FILE}.")
    if own := [name for name in spec.python.reads if name in spec.python.gives]:
        raise InvalidProject(f"features.yml: python.reads: {own[0]} is what {PYTHON_FILE} gives.")
    return PythonStep(tuple(spec.python.reads), tuple(spec.python.gives), source)
