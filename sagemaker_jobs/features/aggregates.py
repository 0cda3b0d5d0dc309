"""Statistics by a key, as of the end of the history that trained the model.

`aggregates.parquet` has a row per key: `by` (the key column's name), `key` (its value as text), and
a column of doubles per aggregate, null where the aggregate is of another key column.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.features.frame import Floats, Input
from sagemaker_jobs.values import FROM_TEXT

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "aggregates.parquet"


@dataclass(frozen=True)
class Aggregated:
    """An aggregate as a feature, and the input whose value is its key."""

    name: str
    by: str


@dataclass(frozen=True)
class KeyTable:
    """What the keys of one input have.

    `rows` maps a key (text, or a double for inputs that are no text) to its row of `values`, whose
    last row is missing throughout: that of keys that are not there. `places` are the columns of
    `values` in the block of all aggregates.
    """

    by: str
    places: list[int]
    rows: Mapping[Hashable, int]
    values: Floats

    def find(self, keys: Sequence[Hashable]) -> Floats:
        """Keys x this input's aggregates."""
        absent = len(self.values) - 1
        return self.values[[self.rows.get(key, absent) for key in keys]]


@dataclass
class AggregateTable:
    """An artifact's aggregates, read when the first row asks for them and kept."""

    path: Path
    aggregates: tuple[Aggregated, ...]
    inputs: tuple[Input, ...]
    _tables: list[KeyTable] | None = field(default=None, init=False, repr=False)

    def tables(self) -> list[KeyTable]:
        """A table per key input.

        Raises:
            ArtifactBroken: the file is absent, or not what features.json says.
        """
        if self._tables is None:
            self._tables = self._read()
        return self._tables

    def _read(self) -> list[KeyTable]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(self.path).read()
            kinds = {column.name: column.kind for column in self.inputs}
            return [
                self._key_table(table, by, kinds[by])
                for by in dict.fromkeys(item.by for item in self.aggregates)
            ]
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise ArtifactBroken(
                f"The artifact's {FILE} cannot be read: {type(error).__name__}: {error}."
            ) from error

    def _key_table(self, table: "pa.Table", by: str, kind: str) -> KeyTable:
        import pyarrow.compute as pc

        from sagemaker_jobs.features.arrow import number_column

        mine = table.filter(pc.equal(table.column("by"), by))
        keys: list[Any] = mine.column("key").to_pylist()
        if kind != "string":
            keys = [FROM_TEXT[kind](key) for key in keys]
        places = [index for index, item in enumerate(self.aggregates) if item.by == by]
        values = np.full((len(keys) + 1, len(places)), np.nan)
        for column, place in enumerate(places):
            name = self.aggregates[place].name
            values[:-1, column] = number_column(mine.column(name), name)
        return KeyTable(by, places, {key: row for row, key in enumerate(keys)}, values)
