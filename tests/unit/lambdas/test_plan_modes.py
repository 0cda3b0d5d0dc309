"""PlanEndpoint: serverless and real-time, and what leads from the one to the other."""

from dataclasses import replace
from typing import Any

import pytest

from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.guards import SCALED, LiveScaling
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.request import PlanAnswer
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.documents import make_champion
from tests.unit.lambdas.endpoints import (
    ENDPOINT,
    carry_out,
    endpoint,
    observed,
    plan,
    plan_of,
    serving,
    variant,
)
from tests.unit.lambdas.test_plan_settings import NETWORK, first_config, put

BOTH_WAYS = [("realtime", "serverless"), ("serverless", "realtime")]
RESOURCE = {"ResourceId": f"endpoint/{ENDPOINT}/variant/main"}
CONCURRENCY = {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}


def switching(then: str, **changes: Any) -> Observed:
    """An endpoint that serves in the other mode."""
    first = "serverless" if then == "realtime" else "realtime"
    live = serving(observed(endpoint=then, **changes), first_config(endpoint=first))
    return replace(live, endpoint_tags={"owner": "risk", "aws:made-by": "somebody"})


def replacing(**changes: Any) -> PlanAnswer:
    return plan_of(replace(switching("serverless", **changes), replace=True), "2")


def size(planned: PlanAnswer) -> Any:
    (own,) = (planned.create_endpoint_config or {})["ProductionVariants"]
    return own["ServerlessConfig"]


def test_a_serverless_project_gets_no_instances(account: Account) -> None:
    planned = plan(account, endpoint="serverless", serverless={"memory_mb": 4096})
    assert variant(planned) == {
        "VariantName": "main",
        "ModelName": planned["model_name"],
        "InitialVariantWeight": 1.0,
        "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 5},
    }
    assert "DataCaptureConfig" not in planned["create_endpoint_config"]
    model = planned["create_model"]
    assert "EnableNetworkIsolation" not in model
    assert "ModelDataSource" not in model["PrimaryContainer"]
    artifact = model["PrimaryContainer"]["Environment"]["DROPFORGE_ARTIFACT_URI"]
    assert artifact.startswith("s3://")


def test_the_size_of_a_serverless_endpoint_set_by_hand_stays() -> None:
    served = first_config(endpoint="serverless")
    size = {"MemorySizeInMB": 6144, "MaxConcurrency": 50, "ProvisionedConcurrency": 10}
    served = put(served, ("ProductionVariants", "ServerlessConfig"), size)
    kept = plan_of(serving(observed(endpoint="serverless"), served), "2")
    assert (kept.create_endpoint_config or {})["ProductionVariants"][0]["ServerlessConfig"] == size
    declared = observed(endpoint="serverless", serverless={"max_concurrency": 8})
    said = plan_of(serving(declared, served), "2")
    assert (said.create_endpoint_config or {})["ProductionVariants"][0]["ServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 8,
        "ProvisionedConcurrency": 8,
    }


@pytest.mark.parametrize(("first", "then"), BOTH_WAYS)
def test_an_endpoint_that_is_gone_takes_the_new_mode(
    account: Account, first: str, then: str
) -> None:
    planned = plan(account, endpoint=first)
    carry_out(account, planned)
    champion = make_champion("1", config_name=planned["config_name"])
    account.ledger.move_champion("credit", champion, None)
    account.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)
    again = plan(account, version="2", endpoint=then)
    assert again["action"] == "create"
    assert ("ServerlessConfig" in variant(again)) is (then == "serverless")
    assert ("InstanceType" in variant(again)) is (then == "realtime")


def test_an_endpoint_that_is_being_deleted_is_waited_for_before_its_mode_changes() -> None:
    going = serving(observed(endpoint="serverless"), first_config(), status="Deleting")
    planned = plan_of(going, "2")
    assert (planned.action, planned.previous_config) == ("wait", None)


def test_a_failed_endpoint_may_change_its_mode(account: Account) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = "Failed"
    assert plan(account, version="2", endpoint="serverless")["action"] == "delete"


def test_what_a_serverless_endpoint_cannot_have_is_said() -> None:
    served = put(first_config(), ("VpcConfig",), NETWORK)
    failed = serving(observed(endpoint="serverless"), served, status="Failed")
    planned = plan_of(failed, "2")
    assert "VpcConfig" not in (planned.create_endpoint_config or {})
    assert planned.notes == [
        "A serverless endpoint has no VpcConfig: it was left out.",
        "A serverless endpoint has no DataCaptureConfig: it was left out.",
    ]


def test_instances_become_serverless_by_a_replacement_alone() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    with pytest.raises(EndpointChanged, match="nobody answers in between") as caught:
        plan_of(switching("serverless"), "2")
    assert caught.value.next_command == "dropforge endpoint deploy credit --replace"

    planned = replacing()
    assert planned.action == "replace"
    assert (planned.restore_endpoint, planned.deployment_config) == (None, {})
    assert "nobody answers in between" in planned.notes[0]
    tags = [
        {"Key": "dropforge:project", "Value": "credit"},
        {"Key": "dropforge:stage", "Value": "dev"},
        {"Key": "owner", "Value": "risk"},
    ]
    old = {"EndpointName": ENDPOINT, "EndpointConfigName": planned.previous_config, "Tags": tags}
    assert planned.recreate_endpoint == old
    assert planned.create_endpoint == old | {"EndpointConfigName": planned.config_name}


def test_a_replacement_is_made_only_if_one_is_needed() -> None:
    seen = serving(observed(resources={"endpoint": "ml.c5.xlarge"}), first_config())
    planned = plan_of(replace(seen, replace=True), "2")
    assert planned.action == "update"
    assert planned.restore_endpoint is not None


def test_serverless_becomes_instances_by_an_update_that_no_update_takes_back() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    planned = plan_of(switching("realtime"), "2")
    assert planned.action == "update"
    assert (planned.restore_endpoint, planned.deployment_config) == (None, {})
    assert (planned.recreate_endpoint or {})["EndpointConfigName"] == planned.previous_config
    request = planned.update_endpoint or {}
    assert "DeploymentConfig" not in request
    assert request["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredInstanceCount"},
        {"VariantPropertyType": "DataCaptureConfig"},
    ]
    config = planned.create_endpoint_config or {}
    assert config["DataCaptureConfig"]["EnableCapture"] is True
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    assert "No update leads back" in planned.notes[0]


def test_what_scales_instances_goes_with_them_and_comes_back_with_them() -> None:
    target = SCALED | RESOURCE | {"MinCapacity": 1, "MaxCapacity": 3}
    seen = replace(switching("serverless"), scaling=LiveScaling(target), replace=True)
    planned = plan_of(seen, "2")
    assert [step.action for step in planned.before] == ["deregister"]
    assert planned.before[0].request == SCALED | RESOURCE
    assert planned.after == []
    assert [step.request for step in planned.undo] == [target]
    assert "A serverless endpoint scales itself: the scaling was taken off." in planned.notes


def test_what_scales_concurrency_goes_before_instances_come() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html"""
    place = SCALED | RESOURCE | CONCURRENCY
    asked = {"min": 1, "max": 4, "invocations_per_instance": 700}
    live = LiveScaling(place | {"MinCapacity": 1, "MaxCapacity": 3})
    planned = plan_of(replace(switching("realtime", scaling=asked), scaling=live), "2")
    assert [step.request for step in planned.before] == [place]
    assert [step.action for step in planned.after] == ["register", "put_policy"]
    for step in planned.after:
        assert step.request["ScalableDimension"] == SCALED["ScalableDimension"]
    assert [step.request for step in planned.undo] == [live.target]


def test_scaled_concurrency_is_left_alone_by_an_update() -> None:
    config = first_config(endpoint="serverless")
    seen = serving(observed(endpoint="serverless"), config)
    live = LiveScaling(SCALED | RESOURCE | CONCURRENCY | {"MinCapacity": 1, "MaxCapacity": 3})
    planned = plan_of(replace(seen, scaling=live), "2")
    assert (planned.before, planned.after, planned.undo) == ([], [], [])


def test_several_variants_have_no_serverless_form() -> None:
    config = first_config()
    (own,) = config["ProductionVariants"]
    config["ProductionVariants"] = [own, own | {"VariantName": "rival"}]
    seen = serving(observed(endpoint="serverless"), config)
    with pytest.raises(EndpointChanged, match="has several: main, rival"):
        plan_of(replace(seen, replace=True), "2")


def test_the_network_of_the_model_is_said_to_go() -> None:
    seen = replace(switching("serverless"), replace=True, model={"VpcConfig": NETWORK})
    assert "A serverless endpoint has no VpcConfig: it was left out." in plan_of(seen, "2").notes


def test_the_endpoint_keeps_its_tags(account: Account) -> None:
    carry_out(account, plan(account))
    arn = endpoint(account).arn
    account.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "risk"}])
    planned = plan(account, version="2")
    assert {"Key": "owner", "Value": "risk"} in planned["recreate_endpoint"]["Tags"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_mix_of_two_configs_is_made_whole_by_the_next_update(version: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html"""
    mixed = serving(observed(), first_config(), status="UpdateRollbackFailed")
    planned = plan_of(mixed, version)
    assert planned.action == "update"
    assert "a mix of two configurations answered" in planned.notes[-1]


def test_provisioned_concurrency_is_declared_changed_and_given_up() -> None:
    declared = {"max_concurrency": 8, "provisioned_concurrency": 4}
    config = first_config(endpoint="serverless", serverless=declared)
    whole = {"MemorySizeInMB": 2048, "MaxConcurrency": 8}
    assert config["ProductionVariants"][0]["ServerlessConfig"] == whole | {
        "ProvisionedConcurrency": 4
    }
    for said, then in (
        (declared | {"provisioned_concurrency": 2}, whole | {"ProvisionedConcurrency": 2}),
        ({"max_concurrency": 8}, whole),
    ):
        seen = serving(observed(endpoint="serverless", serverless=said), config)
        assert size(plan_of(seen, "2")) == then
