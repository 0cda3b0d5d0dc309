"""What a table's columns hold: types, missing values, distributions, relation to the target.

A document of counts and quantiles, without a row in it: values that fewer than five rows have are
merged, and of personal columns only the missing are counted.
"""

from collections.abc import Collection

import pyarrow as pa

from sagemaker_jobs.report.distributions import date_column, number_column, text_column
from sagemaker_jobs.report.document import Column, DataDocument, doubles, kind_of
from sagemaker_jobs.report.relation import Target


def describe(
    table: pa.Table,
    target: Target | None = None,
    *,
    personal: Collection[str] = (),
    without: Collection[str] = (),
) -> DataDocument:
    """Every column of `table` but those `without`; `target` has a value a row.

    300,000 rows of 122 columns take a few seconds: a sort and three counts a column.
    """
    columns = [
        describe_column(name, table.column(name), target, hidden=name in personal)
        for name in table.schema.names
        if name not in without
    ]
    return DataDocument(table.num_rows, columns, target)


def describe_column(
    name: str, column: pa.ChunkedArray, target: Target | None, *, hidden: bool = False
) -> Column:
    """One column's distribution, and its relation to the target."""
    kind, rows = kind_of(column.type), len(column)
    if hidden:
        return Column(name, "personal", rows, column.null_count)
    if kind in ("number", "boolean"):
        return number_column(name, kind, doubles(column), target)
    if kind == "text":
        return text_column(name, column, target)
    if kind == "date":
        return date_column(name, column, target)
    return Column(name, "other", rows, column.null_count)
