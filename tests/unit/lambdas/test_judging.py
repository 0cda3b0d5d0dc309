"""FindChampion and Decide."""

from typing import Any

from dropforge import layout
from dropforge.aws.documents import read_document, write_document
from dropforge.verdict import Verdict
from lambdas.decide.handler import handler as decide
from lambdas.find_champion.handler import handler as find
from tests.unit.lambdas.conftest import LAKE, Account
from tests.unit.lambdas.documents import RUN, make_champion, make_evaluation


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
    assert [rule.outcome for rule in written.rules] == ["passed"]


def test_a_model_below_the_minimum_is_rejected(account: Account) -> None:
    assert judge(account, auc=0.69)["verdict"] == "REJECT"


def test_a_model_is_judged_by_the_version_its_run_is_pinned_to(account: Account) -> None:
    pinned = account.push(promotion={"min": {"auc": 0.9}})
    uri = write_document(layout.evaluation(LAKE, "credit", RUN), make_evaluation(auc=0.8))
    account.push()  # a later push, with a lower bar
    event = {"project": "credit", "project_version": pinned.version, "run": RUN}
    assert decide(event | {"evaluation_uri": uri}, account.context)["verdict"] == "REJECT"


def test_no_champion_is_an_answer(account: Account) -> None:
    assert find({"project": "credit"}, account.context) == {
        "exists": False,
        "version": None,
        "model_package_arn": None,
        "artifact_uri": None,
    }


def test_the_champion_is_found(account: Account) -> None:
    champion = make_champion("3")
    account.ledger.move_champion("credit", champion, None)
    assert find({"project": "credit"}, account.context) == {
        "exists": True,
        "version": "3",
        "model_package_arn": champion.model_package_arn,
        "artifact_uri": champion.artifact_uri,
    }
