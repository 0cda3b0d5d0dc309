"""PlanEndpoint: scaling comes through an update, whoever set it up."""

from typing import Any

import pytest

from lambdas.plan_endpoint.guards import SCALED
from lambdas.plan_endpoint.request import Step
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.endpoints import ENDPOINT, by_hand, carry_out, plan, serve

TARGET = SCALED | {"ResourceId": f"endpoint/{ENDPOINT}/variant/main"}
SCALING = {"min": 1, "max": 4, "invocations_per_instance": 700}
METRIC = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
CALLS = {
    "register": "register_scalable_target",
    "deregister": "deregister_scalable_target",
    "put_policy": "put_scaling_policy",
    "put_schedule": "put_scheduled_action",
    "put_alarm": "put_metric_alarm",
}


def actions(steps: list[dict[str, Any]]) -> list[str]:
    return [step["action"] for step in steps]


def call(account: Account, steps: list[dict[str, Any]]) -> None:
    """Do what the state machine does with a list of steps."""
    for step in (Step.model_validate(item) for item in steps):
        service = "cloudwatch" if step.action == "put_alarm" else "application-autoscaling"
        getattr(account.client(service), CALLS[step.action])(**step.request)
        if step.action == "deregister":
            _forget(account, step.request)


def _forget(account: Account, place: dict[str, Any]) -> None:
    """A target takes its policies and schedules along, which the mock leaves behind
    (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html).
    """
    scaling = account.client("application-autoscaling")
    for policy in scaling.describe_scaling_policies(**place)["ScalingPolicies"]:
        scaling.delete_scaling_policy(PolicyName=policy["PolicyName"], **place)
    for schedule in scaling.describe_scheduled_actions(**place)["ScheduledActions"]:
        name = schedule["ScheduledActionName"]
        scaling.delete_scheduled_action(ScheduledActionName=name, **place)


@pytest.fixture
def scaled(account: Account) -> Account:
    """An endpoint with scaling set up by hand: bounds, a pause, a policy, a scheduled action."""
    carry_out(account, plan(account))
    scaling = account.client("application-autoscaling")
    scaling.register_scalable_target(
        MinCapacity=2, MaxCapacity=9, SuspendedState={"ScheduledScalingSuspended": True}, **TARGET
    )
    target = {"TargetValue": 50.0, "PredefinedMetricSpecification": METRIC}
    scaling.put_scaling_policy(
        PolicyName="busy",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=target,
        **TARGET,
    )
    scaling.put_scheduled_action(
        ScheduledActionName="mornings",
        Schedule="cron(0 7 * * ? *)",
        ScalableTargetAction={"MinCapacity": 4},
        **TARGET,
    )
    return account


def described(account: Account) -> list[Any]:
    """All of the scaling, without what AWS numbers anew."""
    scaling = account.client("application-autoscaling")
    found = [
        *scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"],
        *scaling.describe_scaling_policies(**TARGET)["ScalingPolicies"],
        *scaling.describe_scheduled_actions(**TARGET)["ScheduledActions"],
    ]
    new = ("CreationTime", "PolicyARN", "ScalableTargetARN", "ScheduledActionARN")
    return [{key: value for key, value in item.items() if key not in new} for item in found]


def test_the_project_s_scaling_is_registered_once_it_serves(account: Account) -> None:
    planned = plan(account, scaling=SCALING)
    assert actions(planned["after"]) == ["register", "put_policy"]
    register, policy = (step["request"] for step in planned["after"])
    assert register == TARGET | {"MinCapacity": 1, "MaxCapacity": 4}
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 700.0,
        "PredefinedMetricSpecification": METRIC,
    }
    assert (planned["before"], actions(planned["undo"])) == ([], ["register", "deregister"])


def test_what_was_registered_stays_as_it_is(account: Account) -> None:
    first = plan(account, scaling=SCALING)
    carry_out(account, first)
    call(account, first["after"])
    again = plan(account, scaling=SCALING)
    assert (again["action"], again["after"], again["undo"]) == ("unchanged", [], [])


def test_a_new_model_leaves_scaling_alone(scaled: Account) -> None:
    planned = plan(scaled, version="2")
    assert actions(planned["before"]) == ["put_alarm"]
    assert (planned["after"], planned["undo"]) == ([], [])


def test_all_of_it_comes_through_another_instance_type(scaled: Account) -> None:
    before = described(scaled)
    planned = plan(scaled, version="2", resources={"endpoint": "ml.m5.xlarge"})
    assert actions(planned["before"]) == ["put_alarm", "deregister"]
    call(scaled, planned["before"])
    assert described(scaled) != before
    call(scaled, planned["after"])
    assert described(scaled) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"resources": {"endpoint": "ml.m5.xlarge"}},
        {"scaling": SCALING | {"max": 6}},
        {"scaling": SCALING, "resources": {"endpoint": "ml.m5.xlarge"}},
    ],
    ids=["type", "scaling", "both"],
)
def test_the_way_back_leads_to_what_was_there(scaled: Account, changes: dict[str, Any]) -> None:
    before = described(scaled)
    planned = plan(scaled, version="2", **changes)
    call(scaled, planned["before"])
    call(scaled, planned["undo"])
    assert described(scaled) == before
    call(scaled, planned["after"])
    call(scaled, planned["undo"])
    assert described(scaled) == before


OWN = "credit-dev-invocations"


def test_scaling_of_a_variant_of_another_name_moves_with_it(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    serve(account, by_hand(first, VariantName="AllTraffic"))
    place = TARGET | {"ResourceId": f"endpoint/{ENDPOINT}/variant/AllTraffic"}
    account.client("application-autoscaling").register_scalable_target(
        MinCapacity=1, MaxCapacity=3, **place
    )
    planned = plan(account, version="2")
    (off,) = planned["before"]
    assert off["request"]["ResourceId"].endswith("AllTraffic")
    assert planned["after"][0]["request"]["ResourceId"].endswith("main")
    assert planned["undo"][0]["request"]["ResourceId"].endswith("AllTraffic")


def test_what_the_project_newly_declares_wins_beside_what_is_by_hand(scaled: Account) -> None:
    planned = plan(scaled, version="2", scaling=SCALING)
    register, busy, schedule, ours = (step["request"] for step in planned["after"])
    assert (register["MinCapacity"], register["MaxCapacity"]) == (1, 4)
    assert register["SuspendedState"]["ScheduledScalingSuspended"] is True
    assert (busy["PolicyName"], schedule["ScheduledActionName"]) == ("busy", "mornings")
    assert ours["PolicyName"] == OWN


def test_a_cooldown_by_hand_survives_another_target(account: Account) -> None:
    first = plan(account, scaling=SCALING)
    carry_out(account, first)
    call(account, first["after"])
    (policy,) = (s for s in first["after"] if s["action"] == "put_policy")
    config = policy["request"]["TargetTrackingScalingPolicyConfiguration"]
    config["ScaleInCooldown"] = 900
    call(account, [policy])
    planned = plan(account, version="2", scaling=SCALING | {"invocations_per_instance": 300})
    config = planned["after"][-1]["request"]["TargetTrackingScalingPolicyConfiguration"]
    assert (config["ScaleInCooldown"], config["TargetValue"]) == (900, 300.0)


def test_scaling_that_the_project_gives_up_is_taken_off(account: Account) -> None:
    first = plan(account, scaling=SCALING)
    carry_out(account, first)
    call(account, first["after"])
    planned = plan(account, version="2")
    assert actions(planned["after"]) == ["deregister"]
    assert actions(planned["undo"]) == ["register", "put_policy"]


def test_scaling_that_was_lost_is_registered_again(account: Account) -> None:
    carry_out(account, plan(account, scaling=SCALING))
    planned = plan(account, scaling=SCALING)
    assert planned["action"] == "unchanged"
    assert actions(planned["after"]) == ["register", "put_policy"]
