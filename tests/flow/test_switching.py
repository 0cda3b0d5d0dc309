"""The mode of a live endpoint is changed: without an interruption, or with one that was allowed.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from typing import Any

import pytest

from tests.flow.account import Account
from tests.flow.bad_models import register_bad
from tests.flow.conftest import Push
from tests.flow.customers import customers
from tests.flow.load import Load, ask

PROJECT, ENDPOINT = "modes", "modes-dev"
SCALED: dict[str, Any] = {"scaling": {"min": 1, "max": 3, "invocations_per_instance": 100}}
TOO_SLOW: dict[str, Any] = {"deployment": {"latency_ms": 0.001}}
REPLACE = ("endpoint", "deploy", PROJECT, "--replace", "--yes")


@pytest.fixture(scope="module")
def served(account: Account, push: Push) -> Account:
    """A real-time endpoint that is scaled, and that somebody gave a tag."""
    push(PROJECT, endpoint="realtime", **SCALED)
    account.drop_and_wait(f"{PROJECT}/initial.csv", customers(800, seed=75))
    tag = {"Key": "owner", "Value": "risk"}
    account.client("sagemaker").add_tags(ResourceArn=_endpoint(account)["EndpointArn"], Tags=[tag])
    return account


def test_the_mode_of_a_live_endpoint_is_changed_there_and_back(served: Account, push: Push) -> None:
    """Every change is tested as a deployment is; what fails its test is put back."""
    account = served
    first = _endpoint(account)
    (model,) = account.ledger.models(PROJECT)

    # Instances do not become serverless unless somebody allows the interruption.
    push(PROJECT, endpoint="serverless", **TOO_SLOW)
    refused = account.deploy(PROJECT, model)
    assert refused["status"] == "FAILED"
    assert "nobody answers in between" in refused["cause"]
    assert f"dropforge endpoint deploy {PROJECT} --replace" in refused["cause"]
    assert _endpoint(account)["LastModifiedTime"] == first["LastModifiedTime"]

    # A replacement that fails its test is replaced by what was there.
    with pytest.raises(AssertionError, match="is too slow"):
        account.dropforge(*REPLACE)
    assert _endpoint(account)["EndpointConfigName"] == first["EndpointConfigName"]
    assert not _serverless(account)
    assert _scaled(account)
    _check_kept(account)

    push(PROJECT, endpoint="serverless")
    said = account.dropforge(*REPLACE).stdout
    assert "Nobody answered for" in said
    assert _serverless(account)
    assert not _scaled(account)
    _check_kept(account)

    # No update leads back to serverless either: it is made anew.
    before = _endpoint(account)["EndpointConfigName"]
    push(PROJECT, endpoint="realtime", **TOO_SLOW)
    ended = account.deploy(PROJECT, model)
    assert ended["status"] == "FAILED"
    assert "is too slow" in ended["cause"] and "Then" not in ended["cause"]
    assert _endpoint(account)["EndpointConfigName"] == before
    assert _serverless(account)
    _check_kept(account)

    # Serverless becomes instances, and nobody notices.
    push(PROJECT, endpoint="realtime", **SCALED)
    with Load(account, ENDPOINT) as load:
        account.dropforge("endpoint", "deploy", PROJECT)
    assert load.failures == []
    assert load.versions[model.version]
    assert not _serverless(account)
    assert _scaled(account)
    _check_kept(account)
    assert account.ledger.lock(PROJECT, "deployment") is None


def test_a_rollback_is_tested_as_any_deployment(served: Account) -> None:
    """`rollback --to` a model that scores otherwise: it never comes to answer."""
    account = served
    (model,) = account.ledger.models(PROJECT)
    before = _endpoint(account)["EndpointConfigName"]
    bad = register_bad(account, PROJECT, model, "wrong").model_copy(update={"version": "9"})
    account.ledger.put_model(PROJECT, bad)
    with pytest.raises(AssertionError, match="did not pass the ping health check"):
        account.dropforge("rollback", PROJECT, "--to", "9", "--anyway")
    assert _endpoint(account)["EndpointConfigName"] == before
    champion = account.ledger.champion(PROJECT)
    assert champion is not None and champion.version == model.version


def _endpoint(account: Account) -> dict[str, Any]:
    found = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert found["EndpointStatus"] == "InService"
    return dict(found)


def _serverless(account: Account) -> bool:
    (variant,) = _endpoint(account)["ProductionVariants"]
    return "CurrentServerlessConfig" in variant


def _scaled(account: Account) -> list[Any]:
    scaling = account.client("application-autoscaling")
    found: list[Any] = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{ENDPOINT}/variant/main"]
    )["ScalableTargets"]
    return found


def _check_kept(account: Account) -> None:
    """The model answers, and the endpoint has the tag that it was given by hand."""
    champion = account.ledger.champion(PROJECT)
    assert champion is not None
    assert ask(account.client("sagemaker-runtime"), ENDPOINT) == champion.version
    arn = _endpoint(account)["EndpointArn"]
    tags = account.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert {"Key": "owner", "Value": "risk"} in tags
