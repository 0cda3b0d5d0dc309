"""PlanEndpoint: what somebody set by hand survives, until the project itself says something new."""

import copy
from typing import Any

import pytest

from dropforge.errors import EndpointChanged
from tests.unit.lambdas.conftest import Account
from tests.unit.lambdas.documents import make_champion
from tests.unit.lambdas.endpoints import (
    ENDPOINT,
    by_hand,
    carry_out,
    observed,
    plan,
    plan_of,
    serve,
    serving,
    variant,
)

NETWORK = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}

BY_HAND: dict[str, tuple[tuple[str, ...], Any]] = {
    "encryption": (("KmsKeyId",), "alias/ours"),
    "network": (("VpcConfig",), NETWORK),
    "capture bucket": (("DataCaptureConfig", "DestinationS3Uri"), "s3://elsewhere/capture"),
    "capture share": (("DataCaptureConfig", "InitialSamplingPercentage"), 7),
    "capture off": (("DataCaptureConfig", "EnableCapture"), False),
    "capture key": (("DataCaptureConfig", "KmsKeyId"), "alias/capture"),
    "capture of answers only": (
        ("DataCaptureConfig", "CaptureOptions"),
        [{"CaptureMode": "Output"}],
    ),
    "disk": (("ProductionVariants", "VolumeSizeInGB"), 20),
    "start": (("ProductionVariants", "ContainerStartupHealthCheckTimeoutInSeconds"), 900),
    "routing": (
        ("ProductionVariants", "RoutingConfig"),
        {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    ),
    "instance type": (("ProductionVariants", "InstanceType"), "ml.c5.xlarge"),
    "instances": (("ProductionVariants", "InitialInstanceCount"), 3),
    "weight": (("ProductionVariants", "InitialVariantWeight"), 0.5),
    "explanations": (
        ("ExplainerConfig",),
        {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1"}}}},
    ),
    "asynchronous": (
        ("AsyncInferenceConfig",),
        {"OutputConfig": {"S3OutputPath": "s3://elsewhere/answers"}},
    ),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_each_setting_changed_by_hand_survives(what: str) -> None:
    """One at a time, through two updates: the second carries what the first carried."""
    place, value = BY_HAND[what]
    served = put(first_config(), place, value)
    for version in ("2", "3"):
        served = plan_over(served, version)
        assert get(served, place) == value


def test_tags_given_by_hand_survive() -> None:
    tag = {"Key": "cost-center", "Value": "42"}
    served = first_config()
    served["Tags"] = [*served["Tags"], tag]
    for version in ("2", "3"):
        served = plan_over(served, version)
        assert tag in served["Tags"]


def first_config(**changes: Any) -> dict[str, Any]:
    """The config of a first deployment."""
    return dict(plan_of(observed(**changes)).create_endpoint_config or {})


def plan_over(config: dict[str, Any], version: str) -> dict[str, Any]:
    """The config that is planned while another one serves."""
    return dict(plan_of(serving(observed(), config), version).create_endpoint_config or {})


def put(config: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A config with one value changed: its own, its variant's or its capture's."""
    changed = copy.deepcopy(config)
    at = changed
    for name in place[:-1]:
        at = at[name][0] if name == "ProductionVariants" else at[name]
    at[place[-1]] = value
    return changed


def get(config: dict[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = config
    for name in place:
        value = value[name][0] if name == "ProductionVariants" else value[name]
    return value


def test_the_network_of_the_model_survives(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    model = first["create_model"] | {"ModelName": "by-hand", "VpcConfig": NETWORK}
    account.client("sagemaker").create_model(**model)
    serve(account, by_hand(first, ModelName="by-hand"))
    assert plan(account, version="2")["create_model"]["VpcConfig"] == NETWORK


def test_variants_and_shadows_set_up_by_hand_are_carried() -> None:
    served = first_config()
    (own,) = served["ProductionVariants"]
    other = own | {"VariantName": "rival", "ModelName": "rival"}
    shadow = own | {"VariantName": "shadow"}
    served |= {"ProductionVariants": [other, own], "ShadowProductionVariants": [shadow]}
    planned = plan_of(serving(observed(), served), "2")
    config = planned.create_endpoint_config or {}
    assert config["ProductionVariants"] == [other, own | {"ModelName": planned.model_name}]
    assert config["ShadowProductionVariants"] == [shadow]
    assert planned.target_variant == "main"
    assert planned.rollout == "all_at_once, not canary: variants move together"


def test_several_variants_none_of_which_is_ours_are_for_a_person(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first)
    (own,) = hand["ProductionVariants"]
    hand["ProductionVariants"] = [own | {"VariantName": name} for name in ("blue", "green")]
    serve(account, hand)
    with pytest.raises(EndpointChanged, match="the variants blue, green"):
        plan(account, version="2")


def test_what_was_set_by_hand_survives(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first, InstanceType="ml.c5.xlarge", InitialInstanceCount=3, VolumeSizeInGB=20)
    hand["KmsKeyId"] = "alias/ours"
    hand["DataCaptureConfig"] = hand["DataCaptureConfig"] | {
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://elsewhere/capture",
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/x-ours"]},
    }
    hand["Tags"] = [*hand["Tags"], {"Key": "cost-center", "Value": "42"}]
    serve(account, hand)
    planned = plan(account, version="2")
    config = planned["create_endpoint_config"]
    assert variant(planned) | {"ModelName": "", "InitialVariantWeight": 1.0} == {
        "VariantName": "main",
        "ModelName": "",
        "InstanceType": "ml.c5.xlarge",
        "InitialInstanceCount": 3,
        "InitialVariantWeight": 1.0,
        "VolumeSizeInGB": 20,
    }
    assert variant(planned)["ModelName"] == planned["model_name"] != first["model_name"]
    assert config["KmsKeyId"] == "alias/ours"
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 20
    assert config["DataCaptureConfig"]["DestinationS3Uri"] == "s3://elsewhere/capture"
    assert config["DataCaptureConfig"]["CaptureContentTypeHeader"] == {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/x-ours", "application/json", "application/jsonlines"],
    }
    assert {"Key": "cost-center", "Value": "42"} in config["Tags"]


def test_capture_switched_off_by_hand_stays_off_until_the_project_says(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first)
    hand["DataCaptureConfig"] = hand["DataCaptureConfig"] | {"EnableCapture": False}
    serve(account, hand)
    kept = plan(account, version="2")["create_endpoint_config"]["DataCaptureConfig"]
    assert kept["EnableCapture"] is False
    said = plan(account, version="2", capture={"sampling_percentage": 50})
    config = said["create_endpoint_config"]["DataCaptureConfig"]
    assert (config["EnableCapture"], config["InitialSamplingPercentage"]) == (True, 50)
    assert {"VariantPropertyType": "DataCaptureConfig"} in said["update_endpoint"][
        "ExcludeRetainedVariantProperties"
    ]


def test_what_the_project_newly_declares_wins_over_the_hand(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    serve(account, by_hand(first, InstanceType="ml.c5.xlarge", InitialInstanceCount=3))
    resources = {"endpoint": "ml.m5.xlarge", "endpoint_instances": 2}
    planned = plan(account, version="2", resources=resources)
    assert variant(planned)["InstanceType"] == "ml.m5.xlarge"
    assert variant(planned)["InitialInstanceCount"] == 2
    assert planned["update_endpoint"]["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredInstanceCount"}
    ]


def test_a_serverless_endpoint_keeps_being_one(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first)
    hand["ProductionVariants"] = [
        {
            "VariantName": "main",
            "ModelName": first["model_name"],
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
        }
    ]
    del hand["DataCaptureConfig"]
    serve(account, hand)
    planned = plan(account, version="2")
    assert variant(planned)["ServerlessConfig"]["MemorySizeInMB"] == 2048
    assert "InstanceType" not in variant(planned)
    assert "DataCaptureConfig" not in planned["create_endpoint_config"]
    assert planned["deployment_config"] == {}
    assert "DeploymentConfig" not in planned["update_endpoint"]


def test_an_endpoint_that_is_gone_comes_back_with_its_settings(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    serve(account, by_hand(first, InstanceType="ml.c5.xlarge"))
    account.ledger.move_champion("credit", make_champion("1", config_name="by-hand"), None)
    account.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)
    planned = plan(account, version="2")
    assert planned["action"] == "create"
    assert variant(planned)["InstanceType"] == "ml.c5.xlarge"
