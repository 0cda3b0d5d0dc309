"""A model that awaits approval gets copies of live requests, and no caller ever sees its answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html
"""

import json
from typing import Any

import pytest

from dropforge.ledger import RegisteredModel
from tests.flow.account import Account, wait_for
from tests.flow.bad_models import register_bad
from tests.flow.conftest import Push
from tests.flow.customers import customers
from tests.flow.load import Load, ask

PROJECT, ENDPOINT = "shade", "shade-dev"
REQUESTS = 8


@pytest.fixture(scope="module")
def live(account: Account, push: Push) -> RegisteredModel:
    """The first model, approved: there is nobody whose requests it could have shadowed."""
    push(
        PROJECT,
        endpoint="realtime",
        approval="manual",
        shadow={"percent": 100},
        promotion={"champion": {"margin": -1.0}, "min_positives": 30},
    )
    account.drop_and_wait(f"{PROJECT}/initial.csv", customers(800, seed=80))
    (first,) = account.ledger.models(PROJECT)
    assert first.awaiting
    assert "shadow" not in account.mail_of(PROJECT, first.run).body
    account.dropforge("approve", PROJECT, "1", "--wait")
    assert _shadows(account) == []
    return first


def test_a_model_is_shadowed_until_it_is_decided(account: Account, live: RegisteredModel) -> None:
    account.drop_and_wait(f"{PROJECT}/20201001.csv", customers(600, seed=81))
    _, second = account.ledger.models(PROJECT)
    assert second.awaiting
    assert _shadows(account) == [f"{ENDPOINT}-v2"]
    mail = account.mail_of(PROJECT, second.run)
    assert mail.subject.startswith(f"[{PROJECT}/dev] APPROVAL NEEDED")
    assert "It is shadowed: 100 % of the live requests" in mail.body
    assert f"dropforge endpoint shadow {PROJECT} --stage dev" in mail.body
    assert "Undo:" not in mail.body

    runtime = account.client("sagemaker-runtime")
    assert {ask(runtime, ENDPOINT) for _ in range(REQUESTS)} == {"1"}
    seen = wait_for(lambda: _compared(account), 30, "the captured answers of both")
    assert (seen["version"], seen["champion"], seen["percent"]) == ("2", "1", 100)
    assert (seen["compared"]["pairs"], seen["compared"]["rows"]) == (REQUESTS, 3 * REQUESTS)
    assert seen["compared"]["score_difference"] > 0.0
    said = account.dropforge("endpoint", "shadow", PROJECT).stdout
    assert "v2 shadows v1 of shade: 100 % of the live requests" in said
    assert f"compared: {REQUESTS} requests" in said

    account.dropforge("approve", PROJECT, "2", "--wait")
    assert (ask(runtime, ENDPOINT), _shadows(account)) == ("2", [])
    assert account.ledger.shadow(PROJECT) is None

    account.drop_and_wait(f"{PROJECT}/20201101.csv", customers(600, seed=82))
    assert _shadows(account) == [f"{ENDPOINT}-v3"]
    account.dropforge("reject", PROJECT, "3", "--note", "not this one")
    wait_for(lambda: not _shadows(account), 60, "the refused model's shadow to go")
    wait_for(lambda: account.ledger.lock(PROJECT, "deployment") is None, 60, "the deployment")
    assert ask(runtime, ENDPOINT) == "2"
    assert account.mail(f"[{PROJECT}/dev] SHADOW OFF")


def test_a_shadow_by_command_harms_nobody_whatever_it_does(
    account: Account, live: RegisteredModel
) -> None:
    """One that does not start never is a shadow; one that answers 500 is one that says nothing."""
    before = _serving(account)
    serving = before["version"]
    wrong = _registered(account, live, "wrong")
    with Load(account, ENDPOINT) as load, pytest.raises(AssertionError, match="failed"):
        account.dropforge("endpoint", "shadow", PROJECT, "--version", wrong)
    assert (set(load.versions), load.failures) == ({serving}, [])
    assert (_serving(account), _shadows(account)) == (before, [])
    (mail,) = wait_for(lambda: account.mails(f"[{PROJECT}/dev] FAILED"), 10, "the mail")
    assert "did not pass the ping health check" in mail.body

    failing = _registered(account, live, "failing")
    with Load(account, ENDPOINT) as load:
        account.dropforge("endpoint", "shadow", PROJECT, "--version", failing, "--percent", "50")
        assert _shadows(account) == [f"{ENDPOINT}-v{failing}"]
        account.dropforge("endpoint", "shadow", PROJECT, "--off")
    assert (set(load.versions), load.failures) == ({serving}, [])
    assert (_serving(account), _shadows(account)) == (before, [])


def test_a_shadow_set_up_by_hand_stays_and_the_verdict_stands(
    account: Account, live: RegisteredModel
) -> None:
    _shadow_by_hand(account)
    account.drop_and_wait(f"{PROJECT}/20201201.csv", customers(600, seed=83))
    newest = account.ledger.models(PROJECT)[-1]
    assert newest.awaiting
    mail = account.mail_of(PROJECT, newest.run)
    assert mail.subject.startswith(f"[{PROJECT}/dev] APPROVAL NEEDED")
    assert "It is not shadowed: The endpoint shade-dev has a shadow that was set up by hand" in (
        mail.body
    )
    assert _shadows(account) == ["by-hand"]
    said = account.dropforge("endpoint", "shadow", PROJECT).stdout
    assert "set up by hand (theirs)" in said


def _shadow_by_hand(account: Account) -> None:
    """What somebody with a console would do: a copy of the model in production as its shadow."""
    sagemaker = account.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    (own,) = config["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=own["ModelName"])
    sagemaker.create_model(
        ModelName="by-hand-1",
        PrimaryContainer=model["PrimaryContainer"],
        ExecutionRoleArn=model["ExecutionRoleArn"],
        EnableNetworkIsolation=True,
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName="shaded-by-hand",
        ProductionVariants=[own],
        ShadowProductionVariants=[own | {"VariantName": "theirs", "ModelName": "by-hand-1"}],
        DataCaptureConfig=config["DataCaptureConfig"],
    )
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="shaded-by-hand")
    wait_for(lambda: _shadows(account), 30, "the shadow by hand")
    wait_for(lambda: _status(account) == "InService", 30, "the change by hand")


def _status(account: Account) -> str:
    found = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    return str(found["EndpointStatus"])


def _shadows(account: Account) -> list[str]:
    """The models that shadow, without the hash in their names."""
    sagemaker = account.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    shadows = config.get("ShadowProductionVariants", [])
    return [shadow["ModelName"].rpartition("-")[0] for shadow in shadows]


def _serving(account: Account) -> dict[str, Any]:
    found = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert found["EndpointStatus"] == "InService"
    version = ask(account.client("sagemaker-runtime"), ENDPOINT)
    return {"version": version, "config": found["EndpointConfigName"]}


def _compared(account: Account) -> dict[str, Any] | None:
    """What the command says, once every request is in the capture of both variants."""
    said = account.dropforge("endpoint", "shadow", PROJECT, "--json").stdout
    seen: dict[str, Any] = json.loads(said)
    return seen if seen["compared"]["pairs"] == REQUESTS else None


def _registered(account: Account, good: RegisteredModel, kind: str) -> str:
    """The version of a spoilt copy of the model, which the ledger knows."""
    bad = register_bad(account, PROJECT, good, kind)
    version = bad.model_package_arn.rsplit("/", 1)[-1]
    account.ledger.put_model(PROJECT, bad.model_copy(update={"version": version}))
    return version
