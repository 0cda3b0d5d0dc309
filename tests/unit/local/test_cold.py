"""When a serverless server sleeps, and who waits for it."""

import pytest

from local.sagemaker.cold import Warmth, always_warm

ON_DEMAND = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
PROVISIONED = {"ServerlessConfig": ON_DEMAND["ServerlessConfig"] | {"ProvisionedConcurrency": 1}}


class Server:
    """Counts its starts and ends; `healthy` is what its next start comes to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.healthy = True

    def boot(self) -> bool:
        self.calls.append("boot")
        return self.healthy

    def end(self) -> None:
        self.calls.append("end")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pace at which any time is long enough."""
    monkeypatch.setenv("DROPFORGE_ENDPOINT_SPEED", "1e15")


def test_instances_and_provisioned_concurrency_stay_warm(server: Server, idle: None) -> None:
    assert always_warm({"InstanceType": "ml.m5.large"})
    assert always_warm(PROVISIONED)
    assert not always_warm(ON_DEMAND)
    warmth = Warmth(True, server.boot, server.end)
    warmth.cool()
    with warmth.kept():
        assert server.calls == []


def test_who_comes_after_a_while_waits_for_a_start(server: Server, idle: None) -> None:
    warmth = Warmth(False, server.boot, server.end)
    with warmth.kept():
        warmth.cool()
    assert server.calls == []
    warmth.cool()
    warmth.cool()
    seen = [warmth.cold]
    with warmth.kept(), warmth.kept():
        seen.append(warmth.cold)
    assert seen == [True, False]
    assert server.calls == ["end", "boot"]


def test_a_server_that_was_just_asked_is_left(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPFORGE_ENDPOINT_SPEED", "1")
    warmth = Warmth(False, server.boot, server.end)
    warmth.cool()
    assert not warmth.cold


def test_a_server_that_does_not_start_is_tried_by_the_next_one(server: Server, idle: None) -> None:
    warmth = Warmth(False, server.boot, server.end)
    warmth.cool()
    seen = []
    for healthy in (False, True):
        server.healthy = healthy
        with warmth.kept():
            seen.append(warmth.cold)
    assert seen == [True, False]
    assert server.calls == ["end", "boot", "boot"]


def test_an_error_of_a_request_does_not_keep_its_server_awake(server: Server, idle: None) -> None:
    warmth = Warmth(False, server.boot, server.end)
    with pytest.raises(OSError), warmth.kept():
        raise OSError
    warmth.cool()
    assert warmth.cold
