"""Fitting a text column: which values have a code, how they are encoded, what fills gaps."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec, Fill, OneHot, Ordinal
from sagemaker_jobs.features.encoding import MISSING, OTHER, Encoding

ONE_HOT_MAX_LEVELS = 1000
"""Features that one column may become: more is a mistake in features.yml, or a column of ids."""


@dataclass(frozen=True)
class Category:
    """What was learnt of a text column. `fill` stands for missing values, if anything does."""

    levels: tuple[str, ...]
    encoding: Encoding
    fill: str | None


def fit_category(
    spec: FeaturesSpec, name: str, column: pa.ChunkedArray, *, encoded: bool
) -> Category:
    """Learn a text column; one that is not `encoded` is only read as text, and needs no levels.

    Raises:
        InvalidProject: a constant that has no place in the column's order, or too many levels.
    """
    counts = _counts(column)
    rule = spec.encode_rule(name, "string") if encoded else "native"
    fill = _fill(spec, name, counts, rule)
    if not encoded:
        return Category((), "native", fill)
    match rule:
        case Ordinal(ordinal=order):
            return Category(tuple(dict.fromkeys(order)), "ordinal", fill)
        case OneHot(one_hot=share):
            return Category(_common(name, column, counts, fill, share), "one_hot", fill)
        case "one_hot":
            return Category(_common(name, column, counts, fill, 0.0), "one_hot", fill)
    levels = tuple(sorted({*counts, *([fill] if fill else [])}))
    return Category(levels, "ordinal" if rule == "ordinal" else "native", fill)


def _counts(column: pa.ChunkedArray) -> Counter[str]:
    """The rows of each value; the empty text is missing."""
    if pa.types.is_null(column.type):
        return Counter()
    found = pc.value_counts(column.drop_null()).to_pylist()
    return Counter({item["values"]: item["counts"] for item in found if item["values"]})


def _fill(spec: FeaturesSpec, name: str, counts: Counter[str], encode: object) -> str | None:
    ordinal = encode == "ordinal" or isinstance(encode, Ordinal)
    match spec.impute_rule(name, "string"):
        case "most_frequent" if counts:
            return min(counts, key=lambda level: (-counts[level], level))
        # A place in an order is a number, and LightGBM knows missing numbers.
        case "missing_category" if not ordinal:
            return MISSING
        case Fill(constant=str() as value) if value:
            if not isinstance(encode, Ordinal) or value in encode.ordinal:
                return value
            # Only a rule of the column itself is meant for it: a wider one passes it by.
            if isinstance(spec.impute, dict) and name in spec.impute:
                raise InvalidProject(
                    f"features.yml: impute.{name}: constant {value} has no place in encode's "
                    f"order: {', '.join(encode.ordinal)}. Add it there."
                )
    return None


def _common(
    name: str, column: pa.ChunkedArray, counts: Counter[str], fill: str | None, share: float
) -> tuple[str, ...]:
    """The levels that at least the share of the rows have, filled-in ones counted."""
    rows = len(column)
    if fill is not None:
        counts = counts + Counter({fill: rows - counts.total()})
    reserved = {OTHER} if fill == MISSING else {OTHER, MISSING}
    levels = sorted(v for v, n in counts.items() if n >= share * rows and v not in reserved)
    if len(levels) > ONE_HOT_MAX_LEVELS:
        raise InvalidProject(
            f"features.yml: encode: one_hot would make {len(levels):,} features of {name}, of at "
            f"most {ONE_HOT_MAX_LEVELS:,}. Merge rare levels (one_hot: 0.01), or set "
            f"encode.{name}: native."
        )
    return tuple(levels)
