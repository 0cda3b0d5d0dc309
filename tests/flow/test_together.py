"""Several files at once train once; a model that needs a person waits for one."""

import json
import random

from tests.flow.account import Account, wait_for
from tests.flow.conftest import Push
from tests.flow.customers import customers

MONTHS = ("20200101", "2020-02", "202003", "2020-04-01")
"""The first months, each in another spelling of its period."""


def test_fourteen_files_dropped_together_end_in_one_training_one_scoring_one_mail(
    account: Account, push: Push
) -> None:
    push("together")
    names = ["initial", *MONTHS, *(f"2020{month:02d}01" for month in range(5, 13))]
    bodies = {f"{name}.csv": customers(150, seed=40 + n) for n, name in enumerate(names)}
    bodies["20210101.csv"] = customers(100, seed=90, labelled=False)
    shuffled = list(bodies)
    random.Random(7).shuffle(shuffled)
    drops = [account.drop(f"together/{name}", bodies[name]) for name in shuffled]
    settled = [account.settled("together", drop, 240) for drop in drops]
    assert len(settled) == 14
    assert {drop.state for drop in settled} == {"accepted"}
    expected = ["initial", *(f"2020{month:02d}" for month in range(1, 13)), "202101"]
    assert sorted(str(drop.period) for drop in settled) == sorted(expected)
    for execution in account.executions("together"):
        assert account.ended(execution["executionArn"])["status"] == "SUCCEEDED"
    jobs = [job.name for job in account.cloud.home.jobs.glob("together-*")]
    assert len([name for name in jobs if "-train-" in name]) == 1
    assert len([name for name in jobs if "-score-" in name]) == 1
    (mail,) = account.mails("[together/dev]")
    assert [name for name in bodies if f"{name}: accepted" not in mail.body] == []
    assert "Scored with model v1" in mail.body


def test_a_model_that_awaits_approval_is_deployed_when_a_person_approves(
    account: Account, push: Push
) -> None:
    push("manual", approval="manual", endpoint="realtime")
    account.drop_and_wait("manual/initial.csv", customers(800, seed=50))
    assert account.ledger.champion("manual") is None
    mail = account.mail("[manual/dev] APPROVAL NEEDED initial")
    assert mail.recipient == "approvals@dropforge.example"
    (model,) = account.ledger.models("manual")
    assert model.model_package_arn in mail.body

    account.client("sagemaker").update_model_package(
        ModelPackageArn=model.model_package_arn, ModelApprovalStatus="Approved"
    )
    champion = wait_for(lambda: account.ledger.champion("manual"), 60, "the deployment")
    assert champion.version == model.version
    answer = account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="manual-dev",
        ContentType="text/csv",
        Accept="application/json",
        Body=customers(1, seed=51, labelled=False),
    )
    (prediction,) = json.loads(answer["Body"].read())["predictions"]
    assert prediction["model_version"] == model.version
    assert account.mail("[manual/dev] DEPLOYED")
