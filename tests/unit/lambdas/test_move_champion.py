"""MoveChampion: one conditional write, and what is cleared away after it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dropforge import layout
from dropforge.aws import clients
from dropforge.aws.documents import find_document, read_document
from dropforge.errors import ChampionMoved
from dropforge.runs import Deployment, ShadowChange
from lambdas.move_champion.handler import handler
from tests.unit.lambdas.conftest import LAKE, Account
from tests.unit.lambdas.documents import ARTIFACT, GROUP_ARN, RUN, make_champion, make_model

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


Registry = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def registry(account: Account, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Six packages' metadata by version, updated as SageMaker does (moto replaces them)."""
    packages: Registry = {str(version): {"run": f"r{version}"} for version in range(1, 7)}
    for version in packages:
        account.ledger.put_model("credit", make_model(version, status="Approved"))

    def update(ModelPackageArn: str, **changes: Any) -> None:
        group, version = ModelPackageArn.rsplit("/", 1)
        assert group == GROUP_ARN
        packages[version] |= changes.pop("CustomerMetadataProperties", {})
        for name in changes.pop("CustomerMetadataPropertiesToRemove", []):
            packages[version].pop(name, None)
        assert changes == {}  # nothing else of a package is touched, least of all its approval

    monkeypatch.setattr(clients.client("sagemaker"), "update_model_package", update)
    return packages


def aliases(registry: Registry) -> dict[str, str]:
    """The alias of every package that has one, by version."""
    assert [about["run"] for about in registry.values()] == [f"r{v}" for v in registry]
    return {version: about["alias"] for version, about in registry.items() if "alias" in about}


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


def test_what_the_plan_noted_is_told(account: Account) -> None:
    move(account, "1", None, notes=["it is still there"])
    assert read_document(PLACE, Deployment).notes == ["it is still there"]


def test_a_shadow_is_noted_and_its_run_says_only_that(account: Account) -> None:
    move(account, "1", None)
    shadow = {"version": "2", "percent": 10}
    asked = {"for_shadow": True, "shadow": shadow, "run": "r-shadow", "notes": ["odd"]}
    move(account, "1", "1", config_name="credit-dev-v1-11111111", **asked)
    noted = account.ledger.shadow("credit")
    assert noted is not None and (noted.version, noted.percent) == ("2", 10)
    champion = account.ledger.champion("credit")
    assert champion is not None and champion.config_name == "credit-dev-v1-11111111"
    assert (champion.version, champion.previous, champion.run) == ("1", None, RUN)
    assert find_document(layout.deployment(LAKE, "credit", "r-shadow"), Deployment) is None
    told = read_document(layout.shadow(LAKE, "credit", "r-shadow"), ShadowChange)
    assert (told.champion, told.version, told.percent) == ("1", "2", 10)
    assert (told.action, told.notes) == ("updated", ["odd"])

    move(account, "1", "1", **asked | {"action": "unchanged"})
    again = account.ledger.shadow("credit")
    assert again is not None and again.since == noted.since


def test_a_replacement_is_told_as_one(account: Account) -> None:
    move(account, "1", None, action="replace")
    assert read_document(PLACE, Deployment).action == "replaced"


def test_a_promotion_ends_the_shadow(account: Account) -> None:
    move(account, "1", None)
    account.ledger.note_shadow("credit", "2", 10)
    move(account, "2", "1")
    assert account.ledger.shadow("credit") is None


def test_a_shadow_that_ended_with_its_endpoint_leaves_the_champion_s_settings(
    account: Account,
) -> None:
    move(account, "1", None)
    account.ledger.note_shadow("credit", "2", 10)
    move(account, "1", "1", action="none", config_name=None, for_shadow=True)
    champion = account.ledger.champion("credit")
    assert champion is not None and champion.config_name == "credit-dev-v1-00000000"
    assert account.ledger.shadow("credit") is None


def test_the_registry_shows_one_champion(account: Account, registry: Registry) -> None:
    move(account, "1", None)
    assert aliases(registry) == {"1": "champion"}
    move(account, "2", "1")
    assert aliases(registry) == {"2": "champion"}
    move(account, "1", "2")
    move(account, "1", "2")
    assert aliases(registry) == {"1": "champion"}
    assert read_document(PLACE, Deployment).alias_problem is None


def test_an_alias_that_cannot_be_moved_fails_no_deployment(
    account: Account, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(account, "1", None)

    def deny(**arguments: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Update")

    with monkeypatch.context() as denied:
        denied.setattr(clients.client("sagemaker"), "update_model_package", deny)
        assert move(account, "2", "1")["champion"] == "2"
    champion = account.ledger.champion("credit")
    assert champion is not None and champion.version == "2"
    assert read_document(PLACE, Deployment).alias_problem == "AccessDeniedException"
    assert aliases(registry) == {"1": "champion"}
    move(account, "2", "1")
    assert aliases(registry) == {"2": "champion"}


def test_a_registry_out_of_reach_fails_no_deployment(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**arguments: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://api.sagemaker")

    monkeypatch.setattr(clients.client("sagemaker"), "update_model_package", away)
    move(account, "1", None)
    problem = read_document(PLACE, Deployment).alias_problem
    assert problem is not None and "Could not connect" in problem


def test_no_alias_is_moved_for_a_model_that_came_too_late(
    account: Account, registry: Registry
) -> None:
    account.ledger.move_champion("credit", make_champion("3"), None)
    with pytest.raises(ChampionMoved):
        move(account, "2", "1")
    assert aliases(registry) == {}


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
