"""The smoke test's measure of latency, on a clock of its own."""

from collections.abc import Iterable, Iterator

import pytest

from lambdas.smoke_test.latency import PATIENCE_MS, Latency, measure


def times(milliseconds: Iterable[float], limit: float) -> Latency:
    """What is measured if the requests take so long."""
    now = 0.0
    remaining = iter(milliseconds)

    def ask() -> None:
        nonlocal now
        now += next(remaining) / 1000

    return measure(ask, limit, clock=lambda: now)


def repeated(fast: float, slow: Iterable[int], taken: float) -> Iterator[float]:
    """Fifty fast requests but for those at some places."""
    return (taken if place in set(slow) else fast for place in range(50))


def test_two_slow_answers_of_fifty_are_within_the_p95() -> None:
    found = times(repeated(4.0, [7, 30], 900.0), limit=20.0)
    assert found.within and (found.slow, found.asked) == (2, 50)
    assert found.p95 == pytest.approx(4.0)


def test_three_are_not_and_nothing_more_is_asked() -> None:
    found = times(repeated(4.0, [7, 9, 11], 900.0), limit=20.0)
    assert not found.within and (found.slow, found.asked) == (3, 12)
    assert found.p95 == pytest.approx(900.0)


def test_exactly_the_limit_is_within_it() -> None:
    assert times([64.0] * 50, limit=64.1).within


@pytest.mark.parametrize("limit", [1.0, 1_200.0, 3_000.0, 10_000.0])
def test_all_requests_together_stay_within_the_function_s_time(limit: float) -> None:
    found = times([limit * 0.99] * 50, limit)
    assert found.within and 5 <= found.asked <= 50
    assert found.asked * limit <= PATIENCE_MS


def test_an_error_of_the_endpoint_is_not_a_time() -> None:
    def ask() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        measure(ask, 20.0)
