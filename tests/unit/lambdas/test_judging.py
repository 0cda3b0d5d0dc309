"""FindChampion and Decide."""

from typing import Any

import pytest

from dropforge import layout
from dropforge.aws.documents import read_document, write_document
from dropforge.verdict import Verdict
from lambdas.decide.handler import handler as decide
from lambdas.find_champion.handler import handler as find
from tests.unit.lambdas.conftest import LAKE, Account
from tests.unit.lambdas.documents import RUN, make_champion, make_evaluation, make_model


def judge(account: Account, auc: float, champion: str | None = None) -> dict[str, Any]:
    spec = account.push()
    place = layout.evaluation(LAKE, "credit", RUN)
    uri = write_document(place, make_evaluation(auc=auc, champion=champion))
    event = {
        "project": "credit",
        "project_version": spec.version,
        "run": RUN,
        "evaluation_uri": uri,
    }
    return decide(event, account.context)


def test_a_model_that_meets_the_rules_is_promoted(account: Account) -> None:
    answer = judge(account, auc=0.76)
    assert answer["verdict"] == "PROMOTE"
    written = read_document(answer["verdict_uri"], Verdict)
    assert (written.run, written.headline) == (RUN, answer["headline"])
    assert {rule.name: rule.outcome for rule in written.rules} == {
        "auc": "passed",
        "leakage": "passed",
    }


def test_a_model_below_the_minimum_is_rejected(account: Account) -> None:
    assert judge(account, auc=0.69)["verdict"] == "REJECT"


def test_a_model_is_judged_by_the_version_its_run_is_pinned_to(account: Account) -> None:
    pinned = account.push(promotion={"min": {"auc": 0.9}})
    uri = write_document(layout.evaluation(LAKE, "credit", RUN), make_evaluation(auc=0.8))
    account.push()  # a later push, with a lower bar
    event = {"project": "credit", "project_version": pinned.version, "run": RUN}
    assert decide(event | {"evaluation_uri": uri}, account.context)["verdict"] == "REJECT"


def test_no_champion_is_an_answer(account: Account) -> None:
    answer = find({"project": "credit", "reference": None}, account.context)
    assert answer == {
        "exists": False,
        "version": None,
        "model_package_arn": None,
        "artifact_uri": None,
        "reference_exists": False,
        "reference_version": None,
        "reference_artifact_uri": None,
    }


def test_the_champion_is_found(account: Account) -> None:
    champion = make_champion("3")
    account.ledger.move_champion("credit", champion, None)
    answer = find({"project": "credit"}, account.context)
    assert answer["exists"] is True and answer["version"] == "3"
    assert answer["model_package_arn"] == champion.model_package_arn
    assert answer["artifact_uri"] == champion.artifact_uri
    assert answer["reference_exists"] is False


def registered(account: Account, *models: tuple[str, str, str]) -> None:
    """Models of the credit project: version, verdict, status."""
    for version, verdict, status in models:
        account.ledger.put_model(
            "credit",
            make_model(
                version,
                verdict=verdict,
                status=status,
                awaiting=status == "PendingManualApproval",
                artifact_uri=f"s3://lake/models/credit/{version}/",
            ),
        )


@pytest.mark.parametrize(
    ("champion", "named", "expected"),
    [
        ("10", None, "2"),  # the first that was promoted: 1 was held
        ("2", None, None),  # which is the champion itself
        (None, None, "2"),
        ("10", "3", "3"),
        ("10", "v3", "3"),
        ("10", "10", None),
        ("10", "99", None),
    ],
)
def test_the_reference_is_the_named_or_the_first_promoted_model(
    account: Account, champion: str | None, named: str | None, expected: str | None
) -> None:
    registered(
        account,
        ("1", "HOLD", "Rejected"),
        ("2", "PROMOTE", "Approved"),
        ("3", "REJECT", "Rejected"),
        ("9", "PROMOTE", "PendingManualApproval"),
        ("10", "PROMOTE", "Approved"),
    )
    if champion is not None:
        account.ledger.move_champion("credit", make_champion(champion), None)
    answer = find({"project": "credit", "reference": named}, account.context)
    assert answer["reference_version"] == expected
    assert answer["reference_exists"] is (expected is not None)
    uri = f"s3://lake/models/credit/{expected}/" if expected else None
    assert answer["reference_artifact_uri"] == uri


def test_a_model_that_only_awaits_approval_is_no_reference(account: Account) -> None:
    registered(account, ("1", "PROMOTE", "PendingManualApproval"), ("2", "HOLD", "Rejected"))
    assert find({"project": "credit"}, account.context)["reference_exists"] is False
