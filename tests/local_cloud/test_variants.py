"""Serverless and shadow variants.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import wait_for
from tests.local_cloud.serving import Serving, invoke
from tests.local_cloud.test_metrics import statistics

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}


@pytest.fixture(scope="module")
def serving(cloud: LocalCloud) -> Serving:
    return Serving.make(cloud)


@pytest.fixture(scope="module")
def serverless(serving: Serving) -> str:
    return serving.endpoint(serving.configure(serving.variant("2", ServerlessConfig=SERVERLESS)))


def test_a_serverless_endpoint_answers_and_says_what_it_is(
    cloud: LocalCloud, serving: Serving, serverless: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantSummary.html"""
    assert invoke(cloud, serverless, "21") == "42"
    (variant,) = serving.client.describe_endpoint(EndpointName=serverless)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == SERVERLESS
    assert "DesiredInstanceCount" not in variant


def test_more_than_max_concurrency_is_throttled(
    cloud: LocalCloud, serverless: str, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    invoke(cloud, serverless, "1")  # warm: a request that waits for a start counts, too
    with ThreadPoolExecutor(2) as pool:

        def asked(body: str) -> str | None:
            try:
                return invoke(cloud, serverless, body)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ThrottlingException"
            return None

        def hold() -> str:
            # Again, where the question whether all are busy came before it.
            while (answer := asked(f"hold {tmp_path / 'released'}")) is None:
                pass
            return answer

        busy = [pool.submit(hold) for _ in range(2)]
        wait_for(lambda: asked("1") is None)
        (tmp_path / "released").touch()
        assert [one.result() for one in busy] == ["2", "2"]
    assert invoke(cloud, serverless, "1") == "2"


@pytest.mark.parametrize(
    ("variant", "more", "said"),
    [
        ({}, {"capture": True}, "data capture"),
        ({"isolated": True}, {}, "network isolation"),
        ({"uncompressed": True}, {}, "ModelDataSource"),
        ({"InstanceType": "ml.m5.large"}, {}, "instance types"),
        ({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1}}, {}, "MemorySizeInMB"),
        ({}, {"shadow": True}, "shadow variants"),
        ({}, {"second": True}, "multiple production variants"),
    ],
)
def test_what_serverless_inference_lacks_is_refused(
    serving: Serving, variant: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    variant = {"ServerlessConfig": SERVERLESS} | variant
    options: dict[str, Any] = {}
    if variant.pop("isolated", False):
        variant["ModelName"] = serving.model("2", EnableNetworkIsolation=True)
    if variant.pop("uncompressed", False):
        variant["ModelName"] = serving.model("2")
    variants = [serving.variant("2", **variant)]
    if "capture" in more:
        options["DataCaptureConfig"] = serving.capture()
    if "shadow" in more:
        options["ShadowProductionVariants"] = [serving.variant("3", "shadow")]
    if "second" in more:
        variants.append(serving.variant("3", "second", ServerlessConfig=SERVERLESS))
    with pytest.raises(ClientError, match=said):
        serving.configure(*variants, **options)


def test_an_instance_based_endpoint_does_not_become_serverless(
    serving: Serving, serverless: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    endpoint = serving.endpoint(serving.configure(serving.variant("2")))
    config = serving.configure(serving.variant("3", ServerlessConfig=SERVERLESS))
    with pytest.raises(ClientError, match="Cannot convert"):
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)


def test_serverless_endpoints_do_not_roll(serving: Serving, serverless: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"""
    config = serving.configure(serving.variant("3", ServerlessConfig=SERVERLESS))
    rolling = {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 0,
    }
    with pytest.raises(ClientError, match="not supported for serverless"):
        serving.client.update_endpoint(
            EndpointName=serverless,
            EndpointConfigName=config,
            DeploymentConfig={"RollingUpdatePolicy": rolling},
        )


def test_a_shadow_gets_copies_and_its_answers_are_captured_only(
    cloud: LocalCloud, serving: Serving
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html"""
    capture = serving.capture(CaptureContentTypeHeader={"CsvContentTypes": ["text/csv"]})
    config = serving.configure(
        serving.variant("2"),
        ShadowProductionVariants=[serving.variant("3", "shadow")],
        DataCaptureConfig=capture,
    )
    endpoint = serving.endpoint(config)
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert [v["VariantName"] for v in found["ShadowProductionVariants"]] == ["shadow"]
    assert [invoke(cloud, endpoint, "5", Accept="text/csv") for _ in range(6)] == ["10"] * 6
    assert wait_for(lambda: answers(cloud, serving, endpoint, "shadow", 6)) == ["15"] * 6
    assert wait_for(lambda: answers(cloud, serving, endpoint, "main", 6)) == ["10"] * 6


def test_the_shadows_weight_is_its_share_of_the_requests(
    cloud: LocalCloud, serving: Serving
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html"""
    config = serving.configure(
        serving.variant("2"),
        ShadowProductionVariants=[serving.variant("3", "shadow", InitialVariantWeight=0)],
        DataCaptureConfig=serving.capture(),
    )
    endpoint = serving.endpoint(config)
    for _ in range(6):
        invoke(cloud, endpoint, "5")
    assert wait_for(lambda: answers(cloud, serving, endpoint, "main", 6))
    assert answers(cloud, serving, endpoint, "shadow", 0) == []


def test_a_shadow_that_fails_or_is_slow_is_nobody_s_business(
    cloud: LocalCloud, serving: Serving, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html"""
    failing = serving.variant("3", "shadow", environment={"FAILING": "yes"})
    config = serving.configure(
        serving.variant("2"),
        ShadowProductionVariants=[failing],
        DataCaptureConfig=serving.capture(),
    )
    endpoint = serving.endpoint(config)
    assert [invoke(cloud, endpoint, "5") for _ in range(6)] == ["10"] * 6
    assert wait_for(lambda: answers(cloud, serving, endpoint, "main", 6))
    shadow = {"EndpointName": endpoint, "VariantName": "shadow"}
    wait_for(lambda: statistics(cloud, "Invocation5XXErrors", **shadow).get("Sum") == 6.0)
    assert answers(cloud, serving, endpoint, "shadow", 0) == []
    with pytest.raises(ClientError, match="Variant shadow not found"):
        invoke(cloud, endpoint, "5", TargetVariant="shadow")


def test_a_shadow_that_does_not_start_takes_the_update_back(
    cloud: LocalCloud, serving: Serving
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html"""
    before = serving.configure(serving.variant("2"))
    endpoint = serving.endpoint(before)
    broken = serving.variant("3", "shadow", environment={"BROKEN": "yes"})
    config = serving.configure(serving.variant("2"), ShadowProductionVariants=[broken])
    found = serving.update(endpoint, config)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", before)
    assert "shadow" in found["FailureReason"]
    assert invoke(cloud, endpoint, "5") == "10"


def test_an_update_retains_the_weight_of_a_shadow_of_the_same_name(serving: Serving) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"""

    def shadowed(name: str, weight: float) -> str:
        shadow = serving.variant("3", name, InitialVariantWeight=weight)
        return serving.configure(serving.variant("2"), ShadowProductionVariants=[shadow])

    endpoint = serving.endpoint(shadowed("shadow", 0.1))
    kept = serving.update(endpoint, shadowed("shadow", 0.5), RetainAllVariantProperties=True)
    assert kept["ShadowProductionVariants"][0]["DesiredWeight"] == 0.1
    other = serving.update(endpoint, shadowed("other", 0.5), RetainAllVariantProperties=True)
    assert other["ShadowProductionVariants"][0]["DesiredWeight"] == 0.5


def answers(
    cloud: LocalCloud, serving: Serving, endpoint: str, variant: str, count: int
) -> list[str] | None:
    """The captured answers of a variant, once there are so many."""
    s3 = cloud.client("s3")
    prefix = f"capture/{endpoint}/{variant}/"
    listed = s3.list_objects_v2(Bucket=serving.bucket, Prefix=prefix).get("Contents", [])
    lines = [
        json.loads(line)
        for item in listed
        for line in s3.get_object(Bucket=serving.bucket, Key=item["Key"])["Body"]
        .read()
        .splitlines()
    ]
    if len(lines) < count:
        return None
    return [line["captureData"]["endpointOutput"]["data"] for line in lines]
