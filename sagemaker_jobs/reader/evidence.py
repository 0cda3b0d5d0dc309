"""What the columns of a project's first file are, learned block by block."""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from sagemaker_jobs.reader.conversion import (
    EXACT,
    beyond_exact,
    convert_column,
    parse_plain,
    plain_array,
    without_words,
)
from sagemaker_jobs.values import Decimal, Kind

FEW = 0.05
"""Up to this share of values may be slips in a column that is otherwise numbers."""

_NUMBER = {
    ".": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$",
    ",": r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?|[0-9]+,?[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?$",
}
_LEADING_ZERO = r"^\s*[+-]?0[0-9]"
_LONG = r"^\s*[+-]?[0-9]{16,}\s*$"


@dataclass
class _Column:
    stored: Kind | None = None  # as Parquet typed it
    present: int = 0
    words: int = 0
    faults: int = 0
    commas: int = 0
    coded: bool = False
    huge: bool = False
    long: bool = False

    def kind(self) -> Kind:
        if self.stored is not None:
            return "string" if self.huge else self.stored
        numeric = self.present and not self.faults and not self.coded
        return "number" if numeric and not (self.huge and self.long) else "string"


@dataclass
class KindEvidence:
    """The kinds of a first file's columns, from its blocks of text; flat memory."""

    decimal: Decimal = "."
    _columns: dict[str, _Column] = field(default_factory=dict)

    def update(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Take in some rows."""
        for name in batch.schema.names:
            self._add(self._columns.setdefault(name, _Column()), batch.column(name))

    def kinds(self) -> dict[str, Kind]:
        """Numbers where every value is one, without leading zeros or more digits than doubles
        hold; text otherwise; what Parquet typed, as it is typed."""
        return {name: column.kind() for name, column in self._columns.items()}

    def slips(self) -> dict[str, int]:
        """Text columns in which a few values are no numbers, and how many."""
        return {
            name: column.faults
            for name, column in self._columns.items()
            if column.stored is None
            and column.kind() == "string"
            and 0 < column.faults <= FEW * (column.present + column.words)
        }

    def decimal_commas(self) -> dict[str, int]:
        """Text columns that would be numbers if `,` were the decimal mark, and how many have it."""
        return {
            name: column.commas
            for name, column in self._columns.items()
            if self.decimal == "." and column.faults and column.faults == column.commas
        }

    def _add(self, seen: _Column, column: pa.Array | pa.ChunkedArray) -> None:
        column = plain_array(column)
        if not pa.types.is_string(column.type):
            seen.stored, huge = _stored(column)
            seen.huge |= huge
            return
        present = without_words(column).drop_null()
        seen.words += len(column) - column.null_count - len(present)
        if not len(present):
            return
        seen.present += len(present)
        seen.coded = seen.coded or _any(present, _LEADING_ZERO)
        values = parse_plain(present, "number", self.decimal)
        if values is None:
            values = self._numbers(seen, present)
        large = pc.greater_equal(pc.abs(values), float(EXACT))
        if pc.any(large, min_count=0).as_py():
            seen.huge = True
        # Only a large value makes long digits matter, but it may come in another block.
        seen.long = seen.long or _any(present, _LONG)

    def _numbers(self, seen: _Column, present: pa.Array) -> pa.Array:
        """Count the faults of a block; answers the values that are numbers."""
        trimmed = without_words(pc.utf8_trim_whitespace(present)).drop_null()
        matches = pc.match_substring_regex(trimmed, _NUMBER[self.decimal])
        others = trimmed.filter(pc.invert(matches))
        values, wrong = convert_column(trimmed.filter(matches), "number", self.decimal)
        seen.faults += len(others) + len(wrong)
        if self.decimal == "." and len(others):
            commas = pc.match_substring_regex(others, _NUMBER[","])
            seen.commas += pc.sum(pc.cast(commas, pa.int64())).as_py()
        return values


def _stored(column: pa.Array) -> tuple[Kind, bool]:
    kind = column.type
    if pa.types.is_boolean(kind):
        return "boolean", False
    if pa.types.is_date(kind):
        return "date", False
    if pa.types.is_integer(kind):
        return "number", beyond_exact(column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number", False
    return "string", False


def _any(text: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern), min_count=0).as_py())
