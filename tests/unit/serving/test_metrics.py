"""What workers count together, and what the access log keeps."""

import json
import re

import pytest

from dropforge.errors import ArtifactBroken
from sagemaker_jobs.serving.access_log import AccessLog
from sagemaker_jobs.serving.limits import Limits, whole
from sagemaker_jobs.serving.metrics import STATUSES, Counts, SharedCounts

SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\]|\\.)*"\})? [0-9.]+')


def samples(text: bytes) -> dict[str, float]:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in lines)
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_counts_of_all_workers_are_added_up() -> None:
    shared = SharedCounts(2)
    first, second = shared.of
    for counts in shared.of:
        counts.start()
    first.begin()
    first.end(200, 3, 0.0007, warnings=2)
    second.begin()
    second.end(503, 0, 9.0)
    second.begin()
    second.compiled()
    found = samples(shared.text('a"b'))
    assert found['dropforge_requests_total{status="200"}'] == 1
    assert found['dropforge_requests_total{status="503"}'] == 1
    assert found["dropforge_rows_total"] == 3
    assert found["dropforge_warnings_total"] == 2
    assert found["dropforge_rejected_total"] == 1
    assert found["dropforge_in_flight"] == 1
    assert found["dropforge_worker_starts_total"] == 2
    assert found["dropforge_compiled_trees"] == 1
    assert found['dropforge_request_seconds_bucket{le="0.0005"}'] == 0
    assert found['dropforge_request_seconds_bucket{le="0.001"}'] == 1
    assert found['dropforge_request_seconds_bucket{le="5.0"}'] == 1
    assert found['dropforge_request_seconds_bucket{le="+Inf"}'] == 2
    assert found["dropforge_request_seconds_count"] == 2
    assert found["dropforge_request_seconds_sum"] == pytest.approx(9.0007)


def test_a_replacement_goes_on_with_the_counts_and_has_nothing_in_flight() -> None:
    counts = Counts()
    counts.begin()
    counts.end(200, 1, 0.1)
    counts.begin()
    counts.compiled()
    replaced = SharedCounts(1)
    replaced.of = [counts]
    assert samples(replaced.text("7"))["dropforge_compiled_trees"] == 1
    counts.start()
    assert counts.in_flight == 0
    assert samples(replaced.text("7"))["dropforge_compiled_trees"] == 0
    assert counts.read()[STATUSES.index(200)] == 1


def test_an_unexpected_status_counts_as_500() -> None:
    counts = Counts()
    counts.begin()
    counts.end(418, 0, 0.1)
    assert counts.read()[STATUSES.index(500)] == 1


def test_the_log_keeps_so_many_lines_a_second_and_counts_the_rest() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append, "7", answers=2, refusals=1)
    for status in (200, 200, 200, 400, 400):
        log.record("/invocations", status, 1, 0.001, "id")
    log.flush()
    lines = [json.loads(line) for line in written.pop().splitlines()]
    assert [line.get("status") for line in lines] == [200, 200, 400, None]
    assert lines[-1]["requests_not_logged"] == 2
    log.flush()
    assert written == []
    log.record("/invocations", 200, 1, 0.001, "id")
    log.flush()
    assert len(written) == 1


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Limits.from_environment() == Limits()
    monkeypatch.setenv("DROPFORGE_MAX_PENDING", "9")
    monkeypatch.setenv("DROPFORGE_MAX_ROWS", "10")
    assert Limits.from_environment() == Limits(pending=9, rows=10)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "²"])
def test_a_setting_that_cannot_be_meant_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DROPFORGE_WORKERS", text)
    with pytest.raises(ArtifactBroken, match="DROPFORGE_WORKERS must be a whole number from 1 on"):
        whole("DROPFORGE_WORKERS", 2)
