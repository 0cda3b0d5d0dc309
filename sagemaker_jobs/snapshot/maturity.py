"""When a period's labels can be trusted."""

import datetime as dt
from collections.abc import Iterable

from dropforge.period import Period

_LONG_AGO = 10**6


def mature_periods(periods: Iterable[str], days: int, today: dt.date) -> list[str]:
    """The periods whose labels can be trusted on a day."""
    return [period for period in periods if is_mature(period, days, today)]


def is_mature(period: str, days: int, today: dt.date) -> bool:
    """Whether `days` have passed since the period's end; the history always is mature."""
    return _age(Period.from_canonical(period), today) >= days


def _age(period: Period, today: dt.date) -> int:
    if period.start is None:
        return _LONG_AGO
    if len(period.canonical) == 8:
        return (today - period.start).days
    after = (period.start.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return max((today - after).days, 0) if today >= period.start else 0
