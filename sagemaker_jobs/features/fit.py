"""Fitting the declared features on the training rows, and on nothing else."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.errors import ContractBroken, InvalidProject
from dropforge.project import FeaturesSpec
from sagemaker_jobs.features.arrow import number_column
from sagemaker_jobs.features.expression import Expression, parse_expression
from sagemaker_jobs.features.frame import Input
from sagemaker_jobs.features.pipeline import Derived, FittedFeatures
from sagemaker_jobs.values import Kind

MISSING_LEVEL = "(missing)"
Rule = str | float


def source_columns(spec: FeaturesSpec) -> list[str]:
    """The columns that the features are made of: selected ones, and those only derived from."""
    derived = _ordered(spec)
    read = [name for name in spec.selected if name not in derived]
    for expression in derived.values():
        read += [name for name in expression.columns if name not in derived]
    return list(dict.fromkeys(read))


def fit_features(spec: FeaturesSpec, train: pa.Table) -> FittedFeatures:
    """Learn levels and fill values from the training rows.

    Raises:
        ContractBroken: a column is absent.
        InvalidProject: an expression reads a text column, or an impute rule does not fit.
    """
    names = source_columns(spec)
    if absent := [name for name in names if name not in train.schema.names]:
        raise ContractBroken(f"features.yml names columns that the rows lack: {', '.join(absent)}.")
    rules = _rules(spec, names)
    inputs: list[Input] = []
    fill: dict[str, float | str] = {}
    for name in names:
        column, kind = train.column(name), kind_of(train.schema.field(name).type)
        if kind == "string":
            levels, level = _fit_category(column, rules[name])
            inputs.append(Input(name, kind, levels))
            if level is not None:
                fill[name] = level
        else:
            number = _fit_number(name, column, rules[name])
            inputs.append(Input(name, kind))
            if number is not None:
                fill[name] = number
    derived = _ordered(spec)
    _check_operands(derived, {c.name: c.kind for c in inputs})
    return FittedFeatures(
        inputs=tuple(inputs),
        fill=fill,
        derived=tuple(Derived(name, expression) for name, expression in derived.items()),
        features=(*(n for n in spec.selected if n not in derived), *spec.derive),
    )


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


def _fit_category(column: pa.ChunkedArray, rule: Rule) -> tuple[tuple[str, ...], str | None]:
    present = column.drop_null()
    levels = sorted(value for value in pc.unique(present).to_pylist() if value)
    fill: str | None = None
    if rule == "most_frequent" and levels:
        counts = {item["values"]: item["counts"] for item in pc.value_counts(present).to_pylist()}
        fill = min(levels, key=lambda level: (-counts[level], level))
    elif rule == "missing_category":
        fill = MISSING_LEVEL
    elif isinstance(rule, float):
        fill = f"{rule:g}"
    if fill is not None and fill not in levels:
        levels = sorted([*levels, fill])
    return tuple(levels), fill


def _fit_number(name: str, column: pa.ChunkedArray, rule: Rule) -> float | None:
    if isinstance(rule, float):
        return rule
    if rule in ("none", "missing_category"):
        return None
    values = number_column(column, name)
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    if rule == "median":
        return float(np.median(values))
    if rule == "mean":
        return float(np.mean(values))
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[np.argmax(counts)])


def _rules(spec: FeaturesSpec, names: list[str]) -> dict[str, Rule]:
    if not isinstance(spec.impute, dict):
        return dict.fromkeys(names, spec.impute)
    rules: dict[str, Rule] = dict.fromkeys(names, "none")
    # Groups first, so that a column's own rule wins.
    for key, rule in sorted(spec.impute.items(), key=lambda item: item[0] not in spec.groups):
        columns = spec.groups.get(key, [key])
        if unknown := [c for c in columns if key not in spec.groups and c not in rules]:
            raise InvalidProject(f"features.yml, impute: {unknown[0]} is no group and no feature.")
        rules |= {c: rule for c in columns if c in rules}
    return rules


def _ordered(spec: FeaturesSpec) -> dict[str, Expression]:
    """The derived columns, each after those it reads.

    Raises:
        InvalidProject: a bad expression, or columns derived from each other in a circle.
    """
    parsed = {name: parse_expression(name, text) for name, text in spec.derive.items()}
    ordered: dict[str, Expression] = {}
    while len(ordered) < len(parsed):
        ready = {
            name: expression
            for name, expression in parsed.items()
            if name not in ordered and not (set(expression.columns) & set(parsed)) - set(ordered)
        }
        if not ready:
            circle = ", ".join(sorted(set(parsed) - set(ordered)))
            raise InvalidProject(f"features.yml, derive: {circle} are derived from each other.")
        ordered |= ready
    return ordered


def _check_operands(derived: Mapping[str, Expression], kinds: dict[str, Kind]) -> None:
    for name, expression in derived.items():
        if name in kinds:
            raise InvalidProject(
                f"features.yml, derive.{name}: the file has a column of that name."
            )
        if text := [c for c in expression.columns if kinds.get(c) == "string"]:
            raise InvalidProject(f"features.yml, derive.{name}: {text[0]} is text, not a number.")
