"""The statistical gate: what is odd about a drop, for a person to look at. It refuses nothing.

Everything is found in profiles; no row is read, and no sentence holds a row's value.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

from dropforge.drops import ColumnDrift
from sagemaker_jobs.judging.drift import LIMIT, period_drift, profile_drift
from sagemaker_jobs.profile.columns import ColumnProfile
from sagemaker_jobs.profile.numbers import NumberProfile
from sagemaker_jobs.profile.profile import Profile
from sagemaker_jobs.profile.texts import TextProfile

FALSE_ALARMS = 0.001
"""How often chance alone may cause a kind of warning, all comparisons of the kind together."""

RATE_CHANGE = 0.2
MOSTLY_EMPTY, SELDOM_EMPTY = 0.5, 0.05
ID_CHANGE = 0.5
TOP_DRIFT = 20
NAMED = 5


@dataclass(frozen=True)
class Gate:
    """What was found: drift against the champion's baseline, then against the previous period.

    `repeated` is the share of the drop's ids that were there before; None if nothing was. It is to
    be kept in the drop's profile: the next period is compared with it.
    """

    drift: list[ColumnDrift] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    repeated: float | None = None


def findings(
    drop: Profile,
    *,
    baseline: Mapping[str, Any] | None = None,
    previous: Profile | None = None,
    previous_period: str = "the previous period",
    before: Profile | None = None,
    leaks: Sequence[str] = (),
    ignore: Collection[str] = (),
    limit: float = LIMIT,
) -> Gate:
    """Everything odd about a drop.

    Args:
        baseline: the champion's baseline.json.
        previous: the profile of the period before, `previous_period` its name for people.
        before: the profile of everything before, without the period that the drop replaces.
        leaks: the columns that `leakage.leaks` found.
        ignore: columns that move by their nature, as the one that dates the rows.
    """
    seen = _without(drop, ignore)
    earlier = _without(previous, ignore) if previous is not None else None
    drift = profile_drift(seen, baseline, limit=limit)[:TOP_DRIFT]
    warnings = _label_shift(drop, previous, previous_period, baseline)
    repeated = _repeated(drop, before)
    warnings += _ids(repeated, previous)
    if earlier is not None:
        drift += period_drift(seen, earlier, limit=limit)[:TOP_DRIFT]
        warnings += _emptied(seen, earlier, previous_period)
        warnings += _constant(seen, earlier, previous_period)
    if leaks:
        says = (
            "each tell the outcome alone: were they"
            if len(leaks) > 1
            else "alone tells the outcome: was it"
        )
        warnings.append(f"{_columns(leaks)} {says} known at that time?")
    return Gate(drift, warnings, repeated)


def _without(profile: Profile, ignore: Collection[str]) -> Profile:
    return replace(profile, columns={n: c for n, c in profile.columns.items() if n not in ignore})


def _label_shift(
    drop: Profile, previous: Profile | None, name: str, baseline: Mapping[str, Any] | None
) -> list[str]:
    references = []
    if previous is not None and previous.labelled:
        references.append((f"in {name}", previous.positives, previous.labelled))
    if baseline and baseline.get("rows"):
        rows = int(baseline["rows"])
        references.append(
            ("in the champion's training rows", round(baseline["positive_share"] * rows), rows)
        )
    shifted = [
        f"{positives / rows:.1%} {where}"
        for where, positives, rows in references
        if _differs(drop.positives, drop.labelled, positives, rows, len(references))
        and abs(drop.positives / drop.labelled - positives / rows) > RATE_CHANGE * positives / rows
    ]
    if not shifted:
        return []
    now = f"{drop.positives / drop.labelled:.1%} of the rows are positive"
    return [f"{now}, it was {' and '.join(shifted)}: check the labels"]


def _repeated(drop: Profile, before: Profile | None) -> float | None:
    if before is None or not before.rows:
        return None
    share = drop.ids.repeated_share(before.ids)
    return None if math.isnan(share) else share


def _ids(repeated: float | None, previous: Profile | None) -> list[str]:
    """Only new behaviour: the same customers come every month to one project, never to another."""
    usual = previous.repeated if previous is not None else None
    if repeated is None or usual is None or abs(repeated - usual) <= ID_CHANGE:
        return []
    advice = (
        "is it an extract of rows that were there before?"
        if repeated > usual
        else "are ids written in another way?"
    )
    return [
        f"{repeated:.0%} of the ids came in earlier periods too, of the period before it were "
        f"{usual:.0%}: {advice}"
    ]


def _emptied(drop: Profile, earlier: Profile, name: str) -> list[str]:
    found = []
    for column, now, then in _shared(drop, earlier):
        if (
            now.missing > MOSTLY_EMPTY * now.count
            and then.missing < SELDOM_EMPTY * then.count
            and _differs(now.missing, now.count, then.missing, then.count, len(drop.columns))
        ):
            found.append(column)
    if not found:
        return []
    verb = "are" if len(found) > 1 else "is"
    return [
        f"{_columns(found)} {verb} empty in more than half of the rows, in {name} in fewer than "
        f"{SELDOM_EMPTY:.0%}: check the export"
    ]


def _constant(drop: Profile, earlier: Profile, name: str) -> list[str]:
    found = [
        column
        for column, now, then in _shared(drop, earlier)
        if _constant_by_more_than_chance(now, then, FALSE_ALARMS / len(drop.columns))
    ]
    if not found:
        return []
    verb = "have" if len(found) > 1 else "has"
    return [f"{_columns(found)} {verb} one value only, in {name} several: check the export"]


def _constant_by_more_than_chance(now: ColumnProfile, then: ColumnProfile, alpha: float) -> bool:
    """Whether rows with the earlier share of this value would seldom all have it."""
    share = 1.0
    if isinstance(now, NumberProfile) and isinstance(then, NumberProfile):
        if now.kind == "date" or now.min is None or now.min != now.max or then.min == then.max:
            return False
        at = then.sketch.get_rank(now.min, True) - then.sketch.get_rank(now.min, False)
        share = at + (then.sketch.normalized_rank_error(True) if _estimates(then) else 0.0)
    elif isinstance(now, TextProfile) and isinstance(then, TextProfile):
        if now.distinct != 1 or then.distinct in (0, 1) or now.levels is None:
            return False
        share = then.levels.get(next(iter(now.levels)), 0) / then.present if then.levels else 0.0
    return share < 1 and now.present * math.log(max(share, 0.5)) < math.log(alpha)


def _estimates(column: NumberProfile) -> bool:
    return bool(column.sketch.is_estimation_mode())


def _shared(drop: Profile, earlier: Profile) -> list[tuple[str, ColumnProfile, ColumnProfile]]:
    """Columns with rows in both."""
    pairs = ((n, now, earlier.columns.get(n)) for n, now in drop.columns.items())
    return [(n, now, then) for n, now, then in pairs if then and then.count and now.count]


def _differs(hits: int, rows: int, hits_2: int, rows_2: int, comparisons: int) -> bool:
    """A two-sided two-proportion z test; not decided where a normal law is no guide (under 5)."""
    if not rows or not rows_2:
        return False
    share = (hits + hits_2) / (rows + rows_2)
    if min(rows, rows_2) * min(share, 1 - share) < 5:
        return False
    z = abs(hits / rows - hits_2 / rows_2) / (share * (1 - share) * (1 / rows + 1 / rows_2)) ** 0.5
    return z > NormalDist().inv_cdf(1 - FALSE_ALARMS / (2 * comparisons))


def _columns(names: Sequence[str]) -> str:
    """`column a`, `columns a and b`, and so on; the first few by name."""
    if len(names) == 1:
        return f"column {names[0]}"
    if len(names) > NAMED:
        return f"{len(names)} columns ({', '.join(names[:NAMED])} and others)"
    return f"columns {', '.join(names[:-1])} and {names[-1]}"
