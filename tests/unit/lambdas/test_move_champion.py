"""MoveChampion: one conditional write, and what is cleared away after it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge import layout
from dropforge.aws import clients
from dropforge.aws.documents import find_document, read_document
from dropforge.errors import ChampionMoved
from dropforge.runs import Deployment
from lambdas.move_champion.handler import handler
from tests.unit.lambdas.conftest import LAKE, Account
from tests.unit.lambdas.documents import ARTIFACT, GROUP_ARN, RUN, make_champion

PLACE = layout.deployment(LAKE, "credit", RUN)


def move(account: Account, version: str, expected: str | None, **changes: Any) -> dict[str, Any]:
    event = {
        "project": "credit",
        "project_version": "0123456789abcdef",
        "run": RUN,
        "model_package_arn": f"{GROUP_ARN}/{version}",
        "version": version,
        "artifact_uri": ARTIFACT,
        "expected_champion": expected,
        "config_name": f"credit-dev-v{version}-00000000",
        "endpoint": "credit-dev",
        "action": "update" if expected else "create",
        "smoke_checks": 4,
        **changes,
    }
    return handler(event, account.context)


def make(account: Account, version: str, prefix: str = "credit-dev", **serving: str) -> str:
    """A model and its config; `endpoint=` also an endpoint that serves it."""
    sagemaker = account.client("sagemaker")
    name = f"{prefix}-v{version}-00000000"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn="arn:aws:iam::123456789012:role/role-x")
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "main",
                "ModelName": name,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
    )
    if endpoint := serving.get("endpoint"):
        sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=name)
    return name


def left(account: Account) -> tuple[set[str], set[str]]:
    """The configs and models that are there."""
    sagemaker = account.client("sagemaker")
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    models = sagemaker.list_models()["Models"]
    return {c["EndpointConfigName"] for c in configs}, {m["ModelName"] for m in models}


def test_the_first_champion(account: Account) -> None:
    assert move(account, "1", None)["champion"] == "1"
    champion = account.ledger.champion("credit")
    assert champion is not None and (champion.version, champion.previous) == ("1", None)
    assert read_document(PLACE, Deployment) == Deployment(
        project="credit",
        run=RUN,
        version="1",
        endpoint="credit-dev",
        config_name="credit-dev-v1-00000000",
        action="created",
        smoke_checks=4,
    )


def test_a_successor_remembers_its_predecessor(account: Account) -> None:
    move(account, "1", None)
    assert move(account, "2", "1") == {"champion": "2", "previous": "1", "removed": []}
    assert read_document(PLACE, Deployment).action == "updated"


def test_a_champion_that_moved_meanwhile_stays(account: Account) -> None:
    account.ledger.move_champion("credit", make_champion("3"), None)
    with pytest.raises(ChampionMoved, match="the champion is now 3"):
        move(account, "2", "1")
    champion = account.ledger.champion("credit")
    assert champion is not None and champion.version == "3"
    assert find_document(PLACE, Deployment) is None


def test_a_first_model_does_not_replace_one_that_came_in_between(account: Account) -> None:
    account.ledger.move_champion("credit", make_champion("3"), None)
    with pytest.raises(ChampionMoved):
        move(account, "2", None)


def test_a_repetition_keeps_the_predecessor(account: Account) -> None:
    move(account, "1", None)
    move(account, "2", "1")
    assert move(account, "2", "1")["previous"] == "1"


def test_a_rollback_is_a_move_like_any_other(account: Account) -> None:
    move(account, "1", None)
    move(account, "2", "1")
    assert move(account, "1", "2")["previous"] == "2"


def test_a_batch_project_has_a_champion_without_an_endpoint(account: Account) -> None:
    answer = move(account, "1", None, action="none", config_name=None)
    assert answer["removed"] == []
    written = read_document(PLACE, Deployment)
    assert (written.action, written.endpoint, written.config_name) == ("none", None, None)


def test_what_nobody_returns_to_is_deleted(account: Account) -> None:
    names = [make(account, version) for version in ("1", "2", "3")]
    make(account, "4", endpoint="credit-dev")
    account.ledger.move_champion("credit", make_champion("3"), None)
    removed = move(account, "4", "3")["removed"]
    assert sorted(set(removed)) == names[:2]
    configs, models = left(account)
    assert configs == models == {"credit-dev-v3-00000000", "credit-dev-v4-00000000"}


def test_what_an_endpoint_serves_is_never_deleted(account: Account) -> None:
    old = make(account, "1", endpoint="somebody-elses")
    make(account, "4", endpoint="credit-dev")
    account.ledger.move_champion("credit", make_champion("3"), None)
    assert move(account, "4", "3")["removed"] == []
    configs, models = left(account)
    assert old in configs and old in models


def test_what_an_endpoint_is_updating_to_is_never_deleted(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make(account, "1")
    make(account, "4", endpoint="credit-dev")
    sagemaker = clients.client("sagemaker")
    describe = sagemaker.describe_endpoint

    def updating(**arguments: Any) -> dict[str, Any]:
        return describe(**arguments) | {"PendingDeploymentSummary": {"EndpointConfigName": old}}

    monkeypatch.setattr(sagemaker, "describe_endpoint", updating)
    account.ledger.move_champion("credit", make_champion("3"), None)
    assert move(account, "4", "3")["removed"] == []
    assert old in left(account)[0]


def test_names_that_only_look_like_ours_are_left(account: Account) -> None:
    others = {
        make(account, "1", prefix="credit-dev-dev"),
        make(account, "1", prefix="my-credit-dev"),
    }
    account.ledger.move_champion("credit", make_champion("3"), None)
    assert move(account, "4", "3")["removed"] == []
    assert left(account)[0] == others


def test_a_cleanup_that_is_refused_does_not_undo_the_deployment(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(account, "1")

    def refuse(**arguments: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DeleteEndpointConfig")

    monkeypatch.setattr(clients.client("sagemaker"), "delete_endpoint_config", refuse)
    account.ledger.move_champion("credit", make_champion("3"), None)
    assert move(account, "4", "3") == {"champion": "4", "previous": "3", "removed": []}
    assert "credit-dev-v1-00000000" in left(account)[0]
