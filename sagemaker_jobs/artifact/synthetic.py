"""Synthetic rows to ask a model: golden rows without their answers.

Columns are drawn independently from the baseline's quantiles and the known categories, with
missing, unseen and extreme values among them: no person's row travels in an artifact.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sagemaker_jobs.features.frame import PERIOD, Input

ROWS = 32
MAX_LEVELS = 64
"""So many levels of a category are asked for; of more, these spread evenly over them."""

UNSEEN = "a value that training has not seen"
EXTREME = 1e6


def make_rows(
    inputs: Sequence[Input],
    baseline: Mapping[str, Any],
    seed: int,
    *,
    keys: Mapping[str, Sequence[str | float]] | None = None,
    period: str | None = None,
    rows: int = ROWS,
) -> list[dict[str, Any]]:
    """Synthetic rows: one all missing, one all unseen, one each extreme way, the rest ordinary.

    Every level of a category is in one of them, up to MAX_LEVELS of them. `keys` are some values
    that a key column's aggregates are kept of; `period` is the first day that `_period` carries.
    """
    generator = np.random.default_rng(seed)
    profiles = baseline["columns"]
    levels = {c.name: _asked(c, (keys or {}).get(c.name, ())) for c in inputs}
    made: list[dict[str, Any]] = [
        {column.name: None for column in inputs},
        {
            c.name: UNSEEN if c.is_category else _ordinary(c, profiles.get(c.name), generator)
            for c in inputs
        },
        {c.name: _extreme(c, profiles.get(c.name), levels, 1.0) for c in inputs},
        {c.name: _extreme(c, profiles.get(c.name), levels, -1.0) for c in inputs},
    ]
    ordinary = max(rows - len(made), *(len(asked) for asked in levels.values()), 0)
    for number in range(ordinary):
        row: dict[str, Any] = {}
        for column in inputs:
            asked = levels[column.name]
            if number < len(asked):
                row[column.name] = asked[number]
            elif generator.uniform() < 0.1:
                row[column.name] = None
            elif asked:
                row[column.name] = asked[int(generator.integers(len(asked)))]
            else:
                row[column.name] = _ordinary(column, profiles.get(column.name), generator)
        made.append(row)
    if any(column.name == PERIOD for column in inputs):
        made = [{**row, PERIOD: period} for row in made]
    return made


def _asked(column: Input, keys: Sequence[str | float]) -> list[Any]:
    """The levels, or keys, that are asked for: all, or evenly spread ones."""
    known = [key for key in (column.levels or keys) if key != ""]
    places = np.linspace(0, len(known) - 1, min(len(known), MAX_LEVELS)).round().astype(int)
    asked = [known[place] for place in places]
    return asked if column.is_category else [_of_kind(column, float(key)) for key in asked]


def _ordinary(
    column: Input, profile: Mapping[str, Any] | None, generator: np.random.Generator
) -> Any:
    if column.is_category or profile is None or "low" not in profile:
        return None
    edges = [profile["low"], *profile["edges"], profile["high"]]
    place = int(generator.integers(0, len(edges) - 1))
    return _of_kind(column, generator.uniform(edges[place], edges[place + 1]))


def _extreme(
    column: Input,
    profile: Mapping[str, Any] | None,
    levels: Mapping[str, Sequence[str]],
    direction: float,
) -> Any:
    if column.is_category:
        known = levels[column.name]
        return known[0 if direction < 0 else -1] if known else None
    low, high = ((profile or {}).get(end, 0.0) for end in ("low", "high"))
    return _of_kind(column, direction * max(abs(low), abs(high), 1.0) * EXTREME)


def _of_kind(column: Input, value: float) -> Any:
    """The value as a request would carry it."""
    if column.kind == "boolean":
        return bool(value > 0.5)
    if column.kind == "integer":
        return round(value)
    if column.kind == "date":
        day = np.datetime64("1970-01-01") + np.timedelta64(
            int(np.clip(value, -25_000, 60_000)), "D"
        )
        return str(day)
    return float(value)
