"""OnApproval against recorded events of SageMaker."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.aws import clients
from lambdas.on_approval.handler import handler
from tests.unit.lambdas.conftest import IMAGE, Account, read_event
from tests.unit.lambdas.documents import ARTIFACT, RUN, make_champion, make_model


def registered(
    account: Account, status: str = "Approved", group: str = "credit-dev", **about: str
) -> str:
    """The package in the registry, as a person left it; its ARN."""
    sagemaker = account.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus=status,
        CustomerMetadataProperties={"project": "credit", "run": RUN} | about,
    )
    return str(answer["ModelPackageArn"])


def tell(account: Account, arn: str, name: str = "package_approved") -> dict[str, Any]:
    event = read_event(f"sagemaker/{name}.json")
    event["detail"]["ModelPackageArn"] = arn
    return handler(event, account.context)


def awaited(account: Account, arn: str, **changes: Any) -> None:
    version = arn.rsplit("/", 1)[-1]
    account.ledger.put_model("credit", make_model(version, model_package_arn=arn, **changes))


def test_an_awaited_approval_starts_the_deployment(account: Account) -> None:
    arn = registered(account)
    awaited(account, arn)
    answer = tell(account, arn)
    (execution,) = account.executions(account.deployment_arn)
    assert answer == {"outcome": "deploying", "execution": execution["executionArn"]}
    assert execution["input"] == {
        "project": "credit",
        "project_version": "0123456789abcdef",
        "run": RUN,
        "model_package_arn": arn,
        "version": "1",
        "artifact_uri": ARTIFACT,
        "expected_champion": None,
        "reason": "approval",
    }
    model = account.ledger.model("credit", "1")
    assert model is not None and (model.awaiting, model.status) == (False, "Approved")


def test_several_events_of_one_change_start_one_deployment(account: Account) -> None:
    arn = registered(account)
    awaited(account, arn)
    outcomes = [tell(account, arn)["outcome"] for _ in range(3)]
    assert outcomes == ["deploying", "not awaited", "not awaited"]
    assert len(account.executions(account.deployment_arn)) == 1


def test_a_crash_after_the_start_is_resumed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = registered(account)
    awaited(account, arn)
    with monkeypatch.context() as crash:
        crash.setattr(type(account.ledger), "take_pending_model", _refuse)
        with pytest.raises(ClientError):
            tell(account, arn)
    account.stop(account.executions(account.deployment_arn)[0]["executionArn"])
    assert tell(account, arn)["outcome"] == "deploying"
    assert len(account.executions(account.deployment_arn)) == 1


def test_a_start_that_was_refused_leaves_the_model_awaiting(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = registered(account)
    awaited(account, arn)
    monkeypatch.setattr(clients.client("stepfunctions"), "start_execution", _refuse)
    with pytest.raises(ClientError):
        tell(account, arn)
    model = account.ledger.model("credit", "1")
    assert model is not None and model.awaiting is True


def test_a_package_that_still_waits_is_no_decision(account: Account) -> None:
    arn = registered(account, status="PendingManualApproval")
    awaited(account, arn)
    assert tell(account, arn, "package_pending")["outcome"] == "no decision"
    model = account.ledger.model("credit", "1")
    assert model is not None and model.awaiting is True


def test_a_refusal_is_noted_and_deploys_nothing(account: Account) -> None:
    arn = registered(account, status="Rejected")
    awaited(account, arn)
    outcomes = [tell(account, arn, "package_rejected")["outcome"] for _ in range(3)]
    assert outcomes == ["refused", "not awaited", "not awaited"]
    assert account.executions(account.deployment_arn) == []
    model = account.ledger.model("credit", "1")
    assert model is not None and (model.awaiting, model.status) == (False, "Rejected")
    assert model.standing(None) == "refused by a person"
    (mail,) = account.mails()
    assert mail["event"] == "results"
    assert mail["subject"] == "[credit/dev] REFUSED v1: no model is in production"


def test_a_refusal_after_a_crash_is_told_once_with_its_reason(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.ledger.move_champion("credit", make_champion("3"), None)
    arn = registered(account, status="Rejected")
    awaited(account, arn)
    account.client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        ApprovalDescription="Too\nslow.",
        CustomerMetadataProperties={"project": "credit"},  # moto empties what is not given
    )
    with monkeypatch.context() as crash:
        crash.setattr(type(account.ledger), "take_pending_model", _refuse)
        with pytest.raises(ClientError):
            tell(account, arn, "package_rejected")
    assert tell(account, arn, "package_rejected")["outcome"] == "refused"
    (mail,) = account.mails()
    assert mail["subject"] == "[credit/dev] REFUSED v1: v3 stays in production"
    assert "Note in the registry: Too slow.\n" in mail["body"]


def test_a_refused_shadow_is_taken_off_the_requests(account: Account) -> None:
    arn = registered(account, status="Rejected")
    awaited(account, arn, expected_champion="5")
    champion = make_champion("5")
    account.ledger.move_champion("credit", champion, None)
    account.ledger.note_shadow("credit", "1", 10)
    outcomes = [tell(account, arn, "package_rejected")["outcome"] for _ in range(2)]
    assert outcomes == ["refused", "not awaited"]
    (execution,) = account.executions(account.deployment_arn)
    assert execution["input"] == {
        "project": "credit",
        "project_version": "0123456789abcdef",
        "run": execution["name"],
        "model_package_arn": champion.model_package_arn,
        "version": "5",
        "artifact_uri": champion.artifact_uri,
        "expected_champion": "5",
        "reason": "shadow",
        "shadow": {"ask": "awaited", "without": "1"},
    }


def test_a_refusal_while_something_is_deployed_looks_again_after_it(account: Account) -> None:
    """It may be the very deployment that makes the model a shadow."""
    arn = registered(account, status="Rejected")
    awaited(account, arn)
    account.ledger.move_champion("credit", make_champion("5"), None)
    account.ledger.acquire("credit", "deployment", "an execution")
    tell(account, arn, "package_rejected")
    assert len(account.executions(account.deployment_arn)) == 1


def test_the_refusal_of_another_model_leaves_the_shadow_alone(account: Account) -> None:
    arn = registered(account, status="Rejected")
    awaited(account, arn)
    account.ledger.move_champion("credit", make_champion("5"), None)
    account.ledger.note_shadow("credit", "4", 10)
    assert tell(account, arn, "package_rejected") == {"outcome": "refused", "execution": None}
    assert account.executions(account.deployment_arn) == []


def test_a_refusal_that_was_taken_back_refuses_nothing(account: Account) -> None:
    arn = registered(account, status="Approved")
    awaited(account, arn)
    assert tell(account, arn, "package_rejected")["outcome"] == "withdrawn"
    model = account.ledger.model("credit", "1")
    assert model is not None and model.awaiting is True


@pytest.mark.parametrize(
    ("verdict", "standing"),
    [
        ("HOLD", "no approval (held"),
        ("REJECT", "rejected by a rule"),
        ("PROMOTE", "refused by a person"),
    ],
)
def test_approving_what_does_not_wait_is_answered_by_mail_once(
    account: Account, verdict: str, standing: str
) -> None:
    arn = registered(account)
    awaited(account, arn, verdict=verdict, status="Rejected", awaiting=False)
    assert [tell(account, arn)["outcome"] for _ in range(2)] == ["not fit", "not fit"]
    assert account.executions(account.deployment_arn) == []
    (mail,) = account.mails()
    assert (mail["event"], standing in mail["body"]) == ("approvals", True)
    model = account.ledger.model("credit", "1")
    assert model is not None and model.status == "Rejected"


def test_what_the_pipeline_held_itself_is_no_decision_of_a_person(account: Account) -> None:
    arn = registered(account, status="Rejected")
    awaited(account, arn, verdict="HOLD", status="Rejected", awaiting=False)
    assert tell(account, arn, "package_rejected")["outcome"] == "not awaited"
    assert account.mails() == []


def test_an_approval_that_was_taken_back_deploys_nothing(account: Account) -> None:
    arn = registered(account, status="Rejected")
    awaited(account, arn)
    assert tell(account, arn)["outcome"] == "withdrawn"


def test_what_the_pipeline_approved_itself_is_not_deployed_again(account: Account) -> None:
    arn = registered(account)
    awaited(account, arn, awaiting=False, status="Approved")
    assert tell(account, arn)["outcome"] == "not awaited"


@pytest.mark.parametrize(
    "package",
    [{"project": "churn"}, {"group": "credit-prod"}],
    ids=["another project's metadata", "another stage's group"],
)
def test_packages_of_others_are_left_alone(account: Account, package: dict[str, str]) -> None:
    arn = registered(account, **package)
    awaited(account, arn)
    assert tell(account, arn)["outcome"] == "not ours"
    assert account.executions(account.deployment_arn) == []


def test_a_package_that_is_gone_is_left_alone(account: Account) -> None:
    event = read_event("sagemaker/package_approved.json")
    assert handler(event, account.context)["outcome"] == "not ours"


def test_an_approval_that_came_too_late_is_answered_by_mail(account: Account) -> None:
    arn = registered(account)
    awaited(account, arn, expected_champion="5")
    account.ledger.move_champion("credit", make_champion("6"), None)
    assert [tell(account, arn)["outcome"] for _ in range(2)] == ["too late", "not awaited"]
    assert account.executions(account.deployment_arn) == []
    (mail,) = account.mails()
    assert mail["event"] == "approvals"
    assert mail["subject"] == "[credit/dev] NOT DEPLOYED: v1 approved too late"
    assert "compared against v5, but v6 is in production" in mail["body"]
    assert "dropforge train credit" in mail["body"]


def _refuse(*arguments: Any, **options: Any) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "later"}}, "Any")
