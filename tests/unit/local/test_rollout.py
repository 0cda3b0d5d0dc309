"""How a DeploymentConfig becomes steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sagemaker.errors import Invalid
from local.sagemaker.rollout import Rollout, Size, Step, rollout


def blue_green(kind: str, wait: int = 60, last: int = 0, **size: dict[str, object]) -> Rollout:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **size}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": last}
    return rollout({"BlueGreenUpdatePolicy": policy}, Size({"main": 4}), Size({"main": 4}))


def percent(value: int) -> dict[str, object]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def test_without_a_configuration_all_traffic_moves_at_once_and_nothing_bakes() -> None:
    assert rollout({}, Size({"main": 1}), Size({"main": 1})).steps == (Step(1.0, 0.0),)


def test_a_canary_is_one_step_and_then_all_the_traffic_bakes() -> None:
    found = blue_green("CANARY", 60, 300, CanarySize=percent(25))
    assert found.steps == (Step(0.25, 60.0), Step(1.0, 300.0))


def test_instances_are_shares_of_the_new_fleet() -> None:
    found = blue_green("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1})
    assert found.steps[0].share == 0.25


@given(st.integers(10, 50), st.integers(0, 3600), st.integers(0, 3600))
def test_linear_steps_grow_evenly_to_all_of_the_traffic(size: int, wait: int, last: int) -> None:
    steps = blue_green("LINEAR", wait, last, LinearStepSize=percent(size)).steps
    shares = [0.0, *(step.share for step in steps)]
    assert shares[-1] == 1.0
    grown = [b - a for a, b in zip(shares, shares[1:], strict=False)]
    assert all(growth == pytest.approx(size / 100) for growth in grown[:-1])
    assert 0.0 < grown[-1] <= size / 100 + 1e-9
    assert [step.seconds for step in steps] == [wait] * (len(steps) - 1) + [last]


@given(st.integers(1, 100), st.integers(1, 20))
def test_a_canary_is_never_more_than_half_of_the_instances(value: int, count: int) -> None:
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 0}
    routing["CanarySize"] = {"Type": "INSTANCE_COUNT", "Value": value}
    deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    size = Size({"main": count})
    if 2 * value > count:
        with pytest.raises(Invalid, match="between 1% and 50%"):
            rollout(deployment, size, size)
    else:
        assert rollout(deployment, size, size).steps[0].share == value / count


def test_one_instance_has_no_half() -> None:
    with pytest.raises(Invalid, match="between 1% and 50%"):
        rollout(
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "WaitIntervalInSeconds": 0,
                        "CanarySize": percent(10),
                    }
                }
            },
            Size({"main": 4}),
            Size({"main": 1}),
        )
