import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.errors import InvalidPeriod
from dropforge.period import Period


@pytest.mark.parametrize("text", ["20201001", "2020-10-31", "202010", "2020-10", "loans_202010_v2"])
def test_every_spelling_of_a_month_is_one_month(text: str) -> None:
    assert Period.parse(text, "month").canonical == "202010"


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_a_day_survives_being_written_and_read(date: dt.date) -> None:
    period = Period.parse(f"{date:%Y-%m-%d}", "day")
    assert (
        period == Period.parse(f"{date:%Y%m%d}", "day") == Period.from_canonical(period.canonical)
    )
    assert period.start == date


@given(st.lists(st.dates(min_value=dt.date(1000, 1, 1)), min_size=1))
def test_periods_sort_by_date_and_history_comes_first(dates: list[dt.date]) -> None:
    periods = [Period.parse(f"{date:%Y%m%d}", "day") for date in dates]
    ordered = sorted([*periods, Period.parse("initial", "day")])
    assert ordered[0].is_history
    assert [p.start for p in ordered[1:]] == sorted(dates)


@pytest.mark.parametrize(
    "text", ["customers", "20201301", "2020-00", "20201", "202010011", "2020-1001"]
)
def test_a_name_without_a_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod, match="name"):
        Period.parse(text)


def test_a_month_is_not_enough_for_a_daily_project() -> None:
    with pytest.raises(InvalidPeriod, match="period is day"):
        Period.parse("202010", "day")


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        period = Period.parse(text)
    except InvalidPeriod:
        return
    assert Period.from_canonical(period.canonical).canonical == period.canonical


def test_periods_are_spoken_as_people_say_them() -> None:
    assert Period.parse("202010").spoken == "October 2020"
    assert Period.parse("20201001", "day").spoken == "1 October 2020"
    assert Period.parse("initial").spoken == "initial"
