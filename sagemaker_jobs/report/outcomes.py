"""A file's target column as what its other columns are related to."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropforge.errors import ContractBroken
from dropforge.project import ProjectSpec
from sagemaker_jobs.labels import canonical, canonical_column
from sagemaker_jobs.reader.conversion import as_text, convert_column
from sagemaker_jobs.report.document import doubles, kind_of
from sagemaker_jobs.report.relation import Floats, Target

MOST_CLASSES = 20
YES = ("1", "true", "yes", "y")


def target_of(table: pa.Table, name: str, spec: ProjectSpec | None = None) -> Target | None:
    """The target by the project's task, or by what its values show; None if it is all missing.

    Of two outcomes the positive one is 1, true or yes, else the rarer; a number with more than 20
    values is a value to predict, else its values are classes.

    Raises:
        ContractBroken: there is no such column, or it is a text of more than 20 values.
    """
    if name not in table.schema.names:
        raise ContractBroken(
            f"Column {name} is not in the file. Its columns: "
            f"{', '.join(table.schema.names[:20])}{' …' if table.num_columns > 20 else ''}."
        )
    column = table.column(name)
    if column.null_count == len(column):
        return None
    if spec is not None and spec.task == "regression":
        return Target.of_numbers(name, _numbers(column))
    outcomes = canonical_column(pa.chunked_array([_text(column)]))
    if spec is not None and spec.task == "binary":
        return _flags(name, outcomes, str(canonical(spec.positive)))
    if spec is not None:
        return _classes(name, outcomes, [str(canonical(value)) for value in spec.classes])
    return _guessed(name, column, outcomes)


def _guessed(name: str, column: pa.ChunkedArray, outcomes: pa.Array) -> Target:
    counted = pc.value_counts(outcomes.drop_null()).to_pylist()
    ranked = sorted(counted, key=lambda item: (-item["counts"], item["values"]))
    values = [item["values"] for item in ranked]
    if len(values) <= 2:
        yes = [value for value in values if value.lower() in YES]
        return _flags(name, outcomes, (yes or values[::-1])[0])
    if kind_of(column.type) == "number" and len(values) > MOST_CLASSES:
        return Target.of_numbers(name, _numbers(column))
    if len(values) > MOST_CLASSES:
        raise ContractBroken(
            f"Column {name} is a text with {len(values):,} different values: neither classes nor "
            "a number to predict. Nothing was written."
        )
    return _classes(name, outcomes, values)


def _flags(name: str, outcomes: pa.Array, positive: str) -> Target:
    flags = pc.cast(pc.cast(pc.equal(outcomes, positive), pa.uint8()), pa.float64())
    return Target.of_flags(name, positive, _floats(flags))


def _classes(name: str, outcomes: pa.Array, classes: list[str]) -> Target:
    places = pc.index_in(outcomes, value_set=pa.array(classes, pa.string()))
    return Target.of_classes(name, classes, _floats(pc.cast(places, pa.float64())))


def _floats(values: pa.Array) -> Floats:
    filled = pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False)
    return np.asarray(filled, dtype=np.float64)


def _numbers(column: pa.ChunkedArray) -> Floats:
    if kind_of(column.type) in ("number", "boolean"):
        return doubles(column)
    values, _ = convert_column(column, "number")
    return _floats(values)


def _text(column: pa.ChunkedArray) -> pa.Array:
    text = as_text(column)
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
