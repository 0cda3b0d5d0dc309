"""`runs` and `run show`: what happened, from the executions and the documents they wrote."""

import json

import pytest

from dropforge import layout
from dropforge.aws.documents import write_document
from dropforge.cli.session import Session
from dropforge.drops import DropOutcome, PrepareResult, ScoredDrop, ScoreResult
from dropforge.runs import Deployment, Registration
from dropforge.verdict import decide

from ..domain.figures import evaluation, project
from .conftest import Dropforge
from .states import FakeStates

RUN = "churn-202010-01234567-1"
INPUT = {"project": "churn", "project_version": "0123456789abcdef", "drop": "d1"}


@pytest.fixture
def states(session: Session, monkeypatch: pytest.MonkeyPatch) -> FakeStates:
    fake = FakeStates()
    for module in ("executions", "history"):
        monkeypatch.setattr(f"dropforge.cli.{module}.client", lambda service: fake)
    return fake


@pytest.fixture
def judged(session: Session, states: FakeStates) -> str:
    """A run that promoted version 2."""
    outcome = DropOutcome(
        drop="d1", key="churn/20201001.csv", name="20201001.csv", period="202010",
        state="accepted", kind="labelled", rows=600,
    )  # fmt: skip
    prepared = PrepareResult(
        project="churn", project_version=INPUT["project_version"], run=RUN, round=1, drops=[outcome]
    )
    figures = evaluation(run=RUN)
    registered = Registration(
        project="churn", run=RUN, version="2", model_package_arn="arn:p/2", status="Approved",
        deploy=True,
    )  # fmt: skip
    deployed = Deployment(project="churn", run=RUN, version="2", previous="1", action="updated")
    for uri, document in {
        layout.prepare_result("lake", "churn", RUN, 1): prepared,
        layout.evaluation("lake", "churn", RUN): figures,
        layout.verdict("lake", "churn", RUN): decide(project(), figures),
        layout.registration("lake", "churn", RUN): registered,
        layout.deployment("lake", "churn", RUN): deployed,
    }.items():
        write_document(uri, document)
    pipeline, deployment = session.stack.pipeline_arn, session.stack.deployment_arn
    states.add(pipeline, RUN, "Prepare", "Train", "Deploy", "Notify", input=INPUT)
    states.add(deployment, "inner", "CreateModel", "SmokeTest", input={"run": RUN})
    return RUN


def test_runs_lists_what_came_of_each(
    session: Session, states: FakeStates, judged: str, dropforge: Dropforge
) -> None:
    states.add(
        session.stack.pipeline_arn, "credit-202010-x-1", status="FAILED",
        input={"project": "credit"},
    )  # fmt: skip
    header, newest, oldest = dropforge("runs").stdout.splitlines()
    assert header.split()[0] == "run"
    assert newest.split()[0] == "credit-202010-x-1" and "FAILED" in newest
    for said in (RUN, "30 s", "20201001.csv", "PROMOTE", "AUC 0.800", "v2 deployed"):
        assert said in oldest


def test_runs_of_one_project_as_json(
    session: Session, states: FakeStates, judged: str, dropforge: Dropforge
) -> None:
    states.add(session.stack.pipeline_arn, "churn-train-y-1", input={"project": "churn_2"})
    result = dropforge("runs", "churn", "--json")
    (run,) = json.loads(result.stdout)
    assert (run["run"], run["outcome"], run["value"]) == (RUN, "PROMOTE", 0.8)
    assert (run["model"], run["deployed"]) == ("2", True)
    assert result.stderr == ""


def test_no_runs_says_what_to_do(states: FakeStates, dropforge: Dropforge) -> None:
    assert "Next: dropforge drop FILE" in dropforge("runs").stdout


def test_scored_rows_are_the_outcome(
    session: Session, states: FakeStates, dropforge: Dropforge
) -> None:
    scored = ScoredDrop(
        drop="d1", key="churn/202101.csv", name="202101.csv", period="202101", rows=1200,
        flagged=30, mean_score=0.2, predictions_uri="s3://lake/predictions/x.csv",
    )  # fmt: skip
    result = ScoreResult(project="churn", run=RUN, model_version="1", drops=[scored])
    write_document(layout.score_result("lake", "churn", RUN), result)
    states.add(session.stack.pipeline_arn, RUN, "Score", input=INPUT)
    assert "scored 1,200 rows" in dropforge("runs").stdout
    assert "predictions in s3://lake/predictions/x.csv" in dropforge("run", "show", RUN).stdout


def test_show_prints_states_the_nested_deployment_and_the_verdict(
    judged: str, dropforge: Dropforge
) -> None:
    result = dropforge("run", "show", RUN)
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    shown = [words[1] for words in lines if words[:1] == ["ok"]]
    assert shown == ["Prepare", "Train", "CreateModel", "SmokeTest", "Deploy", "Notify"]
    assert "SUCCEEDED in 30 s" in result.stdout
    assert "PROMOTE: the first model, and every rule is met" in result.stdout
    assert "20201001.csv: accepted, 600 rows" in result.stdout


def test_show_takes_an_arn_and_finds_deployments(
    session: Session, judged: str, dropforge: Dropforge
) -> None:
    assert "SmokeTest" in dropforge("run", "show", "inner").stdout
    arn = session.stack.pipeline_arn.replace("stateMachine", "execution") + f":{RUN}"
    assert "Prepare" in dropforge("run", "show", arn).stdout


def test_a_failed_run_names_step_and_cause_and_exits_with_1_when_followed(
    session: Session, states: FakeStates, dropforge: Dropforge
) -> None:
    states.add(
        session.stack.pipeline_arn, RUN, "Prepare", "!Train", "NotifyFailure", status="FAILED",
        input=INPUT, error="States.TaskFailed", cause=json.dumps({"FailureReason": "no memory"}),
    )  # fmt: skip
    result = dropforge("run", "show", RUN, "--follow")
    assert result.exit_code == 1
    assert "fail Train" in result.stdout
    assert "States.TaskFailed: out of memory" in result.stdout
    assert "FAILED in 30 s\n  no memory" in result.stdout
    assert "Next:    dropforge runs" in result.stderr
    assert dropforge("run", "show", RUN).exit_code == 0


def test_a_running_run_says_where_it_is(
    session: Session, states: FakeStates, dropforge: Dropforge
) -> None:
    states.add(session.stack.pipeline_arn, RUN, "Prepare", "Train", status="RUNNING", input=INPUT)
    result = dropforge("run", "show", RUN)
    assert "ok   Prepare" in result.stdout
    assert "...  Train" in result.stdout
    assert "RUNNING" in result.stdout


def test_show_as_json(judged: str, dropforge: Dropforge) -> None:
    document = json.loads(dropforge("run", "show", RUN, "--json").stdout)
    assert [step["name"] for step in document["steps"]] == ["Prepare", "Train", "Deploy", "Notify"]
    assert document["story"]["verdict"]["verdict"] == "PROMOTE"


def test_an_unknown_run(states: FakeStates, dropforge: Dropforge) -> None:
    result = dropforge("run", "show", "nothing")
    assert result.exit_code == 1
    assert "no run 'nothing'" in result.stderr
