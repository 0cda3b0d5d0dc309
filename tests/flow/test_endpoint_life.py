"""An endpoint's life as project.yml says: too slow, scaled, on another instance type, given up."""

from typing import Any

from tests.flow.account import Account
from tests.flow.conftest import Push
from tests.flow.customers import customers

ENDPOINT = "tiny-dev"
SCALING = {"min": 1, "max": 3, "invocations_per_instance": 100}
TWO = {"endpoint": "ml.m5.large", "endpoint_instances": 2}


def test_what_the_project_says_is_what_the_endpoint_becomes(account: Account, push: Push) -> None:
    push("tiny", endpoint="realtime", approval="manual", promotion={"mode": "advisory"})
    account.drop_and_wait("tiny/initial.csv", customers(800, seed=74))
    (model,) = account.ledger.models("tiny")
    account.dropforge("approve", "tiny", "1", "--wait")
    before = _endpoint(account)

    budget = {"latency_ms": 0.001}
    push("tiny", endpoint="realtime", deployment=budget, scaling=SCALING, resources=TWO)
    ended = account.deploy("tiny", model)
    assert ended["status"] == "FAILED"
    assert "is too slow" in ended["cause"]
    after = _endpoint(account)
    assert after["EndpointConfigName"] == before["EndpointConfigName"]
    assert after["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert _scaling(account) == ([], [])

    for instance_type in ("ml.m5.large", "ml.c5.xlarge"):
        resources = TWO | {"endpoint": instance_type}
        push("tiny", endpoint="realtime", scaling=SCALING, resources=resources)
        account.dropforge("endpoint", "deploy", "tiny")
        (target,), (policy,) = _scaling(account)
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
        assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100.0

    push("tiny", endpoint="none")
    account.dropforge("endpoint", "deploy", "tiny")
    assert _endpoint(account)["EndpointStatus"] == "InService"
    mail = account.mails("[tiny/dev]")[-1].body
    assert "tiny-dev is still there (InService) and costs money" in mail
    account.dropforge("endpoint", "delete", "tiny", "--yes")
    assert _scaling(account) == ([], [])
    alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{ENDPOINT}-")
    assert alarms["MetricAlarms"] == []


def _endpoint(account: Account) -> dict[str, Any]:
    found = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert found["EndpointStatus"] == "InService"
    return dict(found)


def _scaling(account: Account) -> tuple[list[Any], list[Any]]:
    """The endpoint's targets and policies."""
    scaling = account.client("application-autoscaling")
    place = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    resource = f"endpoint/{ENDPOINT}/variant/main"
    targets = scaling.describe_scalable_targets(ResourceIds=[resource], **place)
    policies = scaling.describe_scaling_policies(ResourceId=resource, **place)
    return targets["ScalableTargets"], policies["ScalingPolicies"]
