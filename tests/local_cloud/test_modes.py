"""Serverless endpoints: cold starts, and what becomes of them and of what becomes one.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import wait_for
from tests.local_cloud.serving import Serving, guardrails, invoke, settled, shift

ON_DEMAND = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}


@pytest.fixture(scope="module")
def serving(cloud: LocalCloud) -> Serving:
    return Serving.make(cloud)


def pid(cloud: LocalCloud, endpoint: str) -> int:
    """The process behind an endpoint of one variant."""
    (folder,) = (cloud.home.endpoints / endpoint).iterdir()
    return int((folder / "pid").read_text())


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_serverless_endpoint_that_nobody_asks_sleeps_until_it_is_asked(
    cloud: LocalCloud, serving: Serving
) -> None:
    """Under the heading "minimizing cold starts"."""
    config = serving.configure(serving.variant("2", ServerlessConfig=ON_DEMAND))
    endpoint = serving.endpoint(config)
    assert invoke(cloud, endpoint, "1") == "2"
    first = pid(cloud, endpoint)
    wait_for(lambda: not runs(first))
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointStatus"] == "InService"
    assert invoke(cloud, endpoint, "1") == "2"
    assert pid(cloud, endpoint) != first


def test_provisioned_concurrency_keeps_an_endpoint_warm(
    cloud: LocalCloud, serving: Serving
) -> None:
    """Another endpoint that is asked at the same time is asleep by then."""
    warm = serving.endpoint(
        serving.configure(
            serving.variant("2", ServerlessConfig=ON_DEMAND | {"ProvisionedConcurrency": 1})
        )
    )
    cold = serving.endpoint(serving.configure(serving.variant("3", ServerlessConfig=ON_DEMAND)))
    kept, gone = pid(cloud, warm), pid(cloud, cold)
    wait_for(lambda: not runs(gone))
    assert runs(kept)
    assert invoke(cloud, warm, "1") == "2"
    assert pid(cloud, warm) == kept


def test_a_sleeping_endpoint_is_updated_and_deleted(cloud: LocalCloud, serving: Serving) -> None:
    before, after = (
        serving.configure(serving.variant(factor, ServerlessConfig=ON_DEMAND)) for factor in "23"
    )
    endpoint = serving.endpoint(before)
    first = pid(cloud, endpoint)
    wait_for(lambda: not runs(first))
    assert serving.update(endpoint, after)["EndpointConfigName"] == after
    assert invoke(cloud, endpoint, "1") == "3"
    second = pid(cloud, endpoint)
    wait_for(lambda: not runs(second))
    serving.client.delete_endpoint(EndpointName=endpoint)
    wait_for(lambda: not _listed(serving, endpoint))


def test_serverless_becomes_instances_and_does_not_go_back(
    cloud: LocalCloud, serving: Serving
) -> None:
    """Nobody is turned away: the update moves the traffic as any does."""
    serverless = serving.configure(serving.variant("2", ServerlessConfig=ON_DEMAND))
    instances = serving.configure(serving.variant("3", InitialInstanceCount=2))
    endpoint = serving.endpoint(serverless)
    found = serving.update(endpoint, instances, RetainAllVariantProperties=True)
    assert found["EndpointConfigName"] == instances
    (variant,) = found["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 2
    assert "CurrentServerlessConfig" not in variant
    assert invoke(cloud, endpoint, "1") == "3"
    with pytest.raises(ClientError) as caught:
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=serverless)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert settled(cloud, endpoint)["EndpointConfigName"] == instances


def test_instances_that_do_not_come_up_leave_the_serverless_endpoint(
    cloud: LocalCloud, serving: Serving
) -> None:
    before = serving.configure(serving.variant("2", ServerlessConfig=ON_DEMAND))
    endpoint = serving.endpoint(before)
    broken = serving.configure(serving.variant(environment={"FACTOR": "3", "BROKEN": "1"}))
    found = serving.update(endpoint, broken)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", before)
    assert "ping health check" in found["FailureReason"]
    assert invoke(cloud, endpoint, "1") == "2"


def test_a_name_is_free_once_its_endpoint_is_gone(cloud: LocalCloud, serving: Serving) -> None:
    """How instances become serverless: by another endpoint of the same name."""
    endpoint = serving.endpoint(serving.configure(serving.variant("2")))
    serverless = serving.configure(serving.variant("3", ServerlessConfig=ON_DEMAND))
    serving.client.delete_endpoint(EndpointName=endpoint)
    wait_for(lambda: not _listed(serving, endpoint))
    serving.client.create_endpoint(EndpointName=endpoint, EndpointConfigName=serverless)
    assert settled(cloud, endpoint)["EndpointStatus"] == "InService"
    assert invoke(cloud, endpoint, "1") == "3"


def test_guardrails_do_not_apply_to_serverless_endpoints(
    cloud: LocalCloud, serving: Serving
) -> None:
    """The alarm does not exist, and is not missed:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    """
    before, after = (
        serving.configure(serving.variant(factor, ServerlessConfig=ON_DEMAND)) for factor in "23"
    )
    endpoint = serving.endpoint(before)
    deployment = guardrails(shift("CANARY", 60, 10), ("a-none",))
    found = serving.update(endpoint, after, DeploymentConfig=deployment)
    assert found["EndpointConfigName"] == after
    assert invoke(cloud, endpoint, "1") == "3"


def _listed(serving: Serving, endpoint: str) -> list[Any]:
    """As a deployment looks for it: by a list, since to describe what is absent is an error."""
    found: list[Any] = serving.client.list_endpoints(NameContains=endpoint)["Endpoints"]
    return found
