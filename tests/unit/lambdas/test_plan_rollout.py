"""PlanEndpoint: how traffic moves, and which alarms take it back."""

from typing import Any

import pytest

from dropforge.errors import EndpointChanged
from infra.replacement import MAX_POLLS
from lambdas.plan_endpoint.request import PlanAnswer
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.endpoints import carry_out, endpoint, observed, plan, plan_of, serving

ERRORS = "credit-dev-5xx"


def resources(count: int) -> dict[str, Any]:
    return {"endpoint": "ml.m5.large", "endpoint_instances": count}


def update(count: int = 1, **changes: Any) -> PlanAnswer:
    """An update of an endpoint that serves version 1 on so many instances."""
    seen = observed(resources=resources(count), **changes)
    return plan_of(serving(seen, dict(plan_of(seen).create_endpoint_config or {})), "2")


def policy(planned: PlanAnswer) -> dict[str, Any]:
    assert planned.deployment_config is not None
    return dict(planned.deployment_config["BlueGreenUpdatePolicy"])


def routing(planned: PlanAnswer) -> dict[str, Any]:
    return dict(policy(planned)["TrafficRoutingConfiguration"])


def guards(planned: dict[str, Any]) -> list[str]:
    """The alarms that guard the planned update."""
    found = planned["deployment_config"].get("AutoRollbackConfiguration", {"Alarms": []})
    return [alarm["AlarmName"] for alarm in found["Alarms"]]


def made(planned: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alarms that are made before the update, by name."""
    steps = [s["request"] for s in planned["before"] if s["action"] == "put_alarm"]
    return {request["AlarmName"]: request for request in steps}


def test_one_instance_cannot_be_divided() -> None:
    planned = update(1)
    assert routing(planned)["Type"] == "ALL_AT_ONCE"
    assert planned.rollout == "all_at_once, not canary: one instance cannot be divided"


@pytest.mark.parametrize("count", range(2, 60))
def test_steps_are_within_sagemaker_s_bounds(count: int) -> None:
    canary = routing(update(count))
    assert canary["CanarySize"]["Type"] == "INSTANCE_COUNT"
    assert canary["CanarySize"]["Value"] / count <= 0.5
    linear = routing(update(count, deployment={"rollout": "linear"}))
    assert 0.1 <= linear["LinearStepSize"]["Value"] / count <= 0.5


def test_the_instances_that_serve_now_count(account: Account) -> None:
    carry_out(account, plan(account))
    endpoint(account).production_variants[0]["DesiredInstanceCount"] = 2
    assert plan(account, version="2")["rollout"] == "canary"


def test_all_at_once_is_what_it_says() -> None:
    planned = update(4, deployment={"rollout": "all_at_once"})
    assert routing(planned) == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    assert planned.rollout == "all_at_once"


def test_alarms_watch_as_long_as_the_project_says() -> None:
    planned = update(2, deployment={"bake_seconds": 120})
    assert routing(planned)["WaitIntervalInSeconds"] == 120
    assert policy(planned)["TerminationWaitInSeconds"] == 120


@pytest.mark.parametrize("rollout", ["canary", "linear", "all_at_once"])
@pytest.mark.parametrize("count", [2, 3, 5, 9, 50])
def test_sagemaker_gives_up_before_the_deployment_does(rollout: str, count: int) -> None:
    longest = policy(update(count, deployment={"rollout": rollout, "bake_seconds": 900}))
    waited = sum(min(60, max(1, poll // 4)) for poll in range(MAX_POLLS))
    assert 600 <= longest["MaximumExecutionTimeoutInSeconds"] < waited


def grown(scaled_to: int) -> dict[str, Any]:
    """The way back from an update by which the project asks for 3 instances and no capture."""
    before = dict(plan_of(observed(resources=resources(1))).create_endpoint_config or {})
    now = observed(resources=resources(3), capture={"sampling_percentage": 0})
    seen = serving(now, before)
    assert seen.endpoint is not None
    seen.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = scaled_to
    restored = plan_of(seen, "2").restore_endpoint
    assert restored is not None and restored["EndpointConfigName"] == before["EndpointConfigName"]
    return restored


def test_the_way_back_sets_back_what_the_update_set() -> None:
    assert grown(scaled_to=1)["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredInstanceCount"},
        {"VariantPropertyType": "DataCaptureConfig"},
    ]


def test_the_way_back_keeps_instances_that_scaling_had_added() -> None:
    assert grown(scaled_to=5)["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DataCaptureConfig"}
    ]


def test_the_way_back_of_a_new_model_alone_retains_everything() -> None:
    assert "ExcludeRetainedVariantProperties" not in (update().restore_endpoint or {})


def test_a_first_deployment_has_nothing_to_go_back_to() -> None:
    planned = plan_of(observed())
    assert planned.restore_endpoint is None
    assert "AutoRollbackConfiguration" not in (planned.deployment_config or {})
    assert planned.before == []


def test_a_serverless_update_has_no_guardrails() -> None:
    seen = observed(endpoint="serverless")
    served = serving(seen, dict(plan_of(seen).create_endpoint_config or {}))
    planned = plan_of(served, "2")
    assert (planned.deployment_config, planned.before) == ({}, [])
    assert "DeploymentConfig" not in (planned.update_endpoint or {})
    assert planned.rollout == "all_at_once, not canary: guardrails do not apply"


def test_an_update_is_guarded_by_an_alarm_on_errors(account: Account) -> None:
    carry_out(account, plan(account))
    planned = plan(account, version="2")
    assert guards(planned) == [ERRORS]
    request = made(planned)[ERRORS]
    assert request["Dimensions"] == [
        {"Name": "EndpointName", "Value": "credit-dev"},
        {"Name": "VariantName", "Value": "main"},
    ]
    assert (request["MetricName"], request["Statistic"]) == ("Invocation5XXErrors", "Sum")
    assert request["TreatMissingData"] == "notBreaching"
    account.client("cloudwatch").put_metric_alarm(**request)
    again = plan(account, version="2")
    assert (guards(again), made(again)) == ([ERRORS], {})


def test_a_project_may_do_without_alarms() -> None:
    planned = update(2, deployment={"alarms": {"errors": False}})
    assert planned.before == []
    assert "AutoRollbackConfiguration" not in (planned.deployment_config or {})


def test_a_latency_bound_is_an_alarm_in_microseconds() -> None:
    (step,) = update(deployment={"alarms": {"errors": False, "latency_ms": 25}}).before
    assert step.request["AlarmName"] == "credit-dev-latency"
    assert (step.request["ExtendedStatistic"], step.request["Threshold"]) == ("p95", 25_000)


def test_an_alarm_changed_by_hand_stays_until_the_project_says(account: Account) -> None:
    rules = {"alarms": {"latency_ms": 25}}
    carry_out(account, plan(account, deployment=rules))
    request = made(plan(account, version="2", deployment=rules))["credit-dev-latency"]
    hand = request | {"Threshold": 99_000.0, "AlarmActions": ["arn:aws:sns:eu-west-1:1:pager"]}
    account.client("cloudwatch").put_metric_alarm(**hand)
    assert "credit-dev-latency" not in made(plan(account, version="2", deployment=rules))
    said = plan(account, version="2", deployment={"alarms": {"latency_ms": 30}})
    changed = made(said)["credit-dev-latency"]
    assert changed["Threshold"] == 30_000
    assert changed["AlarmActions"] == hand["AlarmActions"]
    account.client("cloudwatch").put_metric_alarm(**changed)


def test_an_alarm_that_rings_already_guards_nothing(account: Account) -> None:
    """It rings about the model that this update replaces."""
    carry_out(account, plan(account))
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(**made(plan(account, version="2"))[ERRORS])
    cloudwatch.set_alarm_state(AlarmName=ERRORS, StateValue="ALARM", StateReason="a test")
    planned = plan(account, version="2")
    assert guards(planned) == []
    assert planned["notes"] == [f"The alarm {ERRORS} rings already: it does not guard this update."]


def test_alarms_of_the_project_s_own_are_named_for_the_stage(account: Account) -> None:
    carry_out(account, plan(account))
    rules = {"alarms": {"names": ["credit-{stage}-cpu"]}}
    with pytest.raises(EndpointChanged, match="credit-dev-cpu, which do not exist"):
        plan(account, version="2", deployment=rules)
    request = made(plan(account, version="2"))[ERRORS]
    account.client("cloudwatch").put_metric_alarm(**request | {"AlarmName": "credit-dev-cpu"})
    planned = plan(account, version="2", deployment=rules)
    assert guards(planned) == [ERRORS, "credit-dev-cpu"]
