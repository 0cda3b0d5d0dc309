"""How the history's columns may change: integer widens to number, columns are added."""

from dataclasses import dataclass

import pyarrow as pa

from sagemaker_jobs.features.fit import kind_of
from sagemaker_jobs.history.columns import INTERNAL, stored
from sagemaker_jobs.history.errors import SchemaChange as SchemaChange


@dataclass(frozen=True)
class Evolution:
    """The file columns' schema after a change, and which columns it widens and adds."""

    schema: pa.Schema
    widened: list[str]
    added: list[str]

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return bool(self.widened or self.added)


def evolve(history: pa.Schema | None, wanted: pa.Schema) -> Evolution:
    """The schema that holds both the history's rows and `wanted`'s; ours are left out.

    A column that `wanted` lacks stays (its rows will be null), and integers fit into numbers.

    Raises:
        SchemaChange: any other difference of a column's type.
    """
    new = {f.name: f for f in stored(wanted) if f.name not in INTERNAL}
    if history is None:
        return Evolution(pa.schema(list(new.values())), [], [])
    fields, widened = [], []
    for field in stored(history):
        if field.name in INTERNAL:
            continue
        other = new.pop(field.name, field)
        if _widens(field.type, other.type):
            fields.append(other)
            widened.append(field.name)
        elif field.type == other.type or _widens(other.type, field.type):
            fields.append(field)
        else:
            raise SchemaChange(field.name, spoken(field.type), spoken(other.type))
    return Evolution(pa.schema([*fields, *new.values()]), widened, list(new))


def spoken(kind: pa.DataType) -> str:
    """A type as people call it: the contract's word, and text for string."""
    word = kind_of(kind)
    return "text" if word == "string" else word


def _widens(old: pa.DataType, new: pa.DataType) -> bool:
    return bool(pa.types.is_integer(old) and pa.types.is_float64(new))
