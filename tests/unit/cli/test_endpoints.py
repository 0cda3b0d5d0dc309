"""`endpoint deploy` and `endpoint delete`."""

import datetime as dt

import boto3
import pytest
from typer.testing import CliRunner, Result

from dropforge.cli import executions, interruption
from dropforge.cli.endpoints import app
from dropforge.cli.history import Step
from dropforge.cli.interruption import counted
from dropforge.cli.session import Session
from dropforge.errors import DropforgeError
from dropforge.ledger import Champion

from .conftest import ROLE, Dropforge
from .test_drops import executions as started
from .test_models import champion as champion

NAME = "churn-dev"
SECOND = dt.timedelta(seconds=1)
PLACE = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": f"endpoint/{NAME}/variant/main",
}


def endpoint(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answer)


def names() -> list[str]:
    found = boto3.client("sagemaker").list_endpoints()["Endpoints"]
    return [item["EndpointName"] for item in found]


@pytest.fixture
def served(session: Session, dropforge: Dropforge) -> Session:
    """An endpoint that serves, with its alarm and its scaling."""
    dropforge("push", "churn")
    sagemaker = boto3.client("sagemaker")
    image = {"Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/jobs:1"}
    sagemaker.create_model(ModelName="m", PrimaryContainer=image, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "main",
        "ModelName": "m",
        "InstanceType": "ml.t2.medium",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName="c")
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{NAME}-5xx",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        Threshold=0.0,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    boto3.client("application-autoscaling").register_scalable_target(
        MinCapacity=1, MaxCapacity=2, **PLACE
    )
    return session


def test_deploy_starts_the_champion_s_deployment(session: Session, champion: Champion) -> None:
    result = endpoint("deploy", "churn", "--no-wait")
    assert result.exit_code == 0, result.output
    ((name, document),) = started(session.stack.deployment_arn).items()
    assert (document["version"], document["expected_champion"]) == ("3", "3")
    assert (document["reason"], document["run"]) == ("promote", name)


@pytest.mark.parametrize("answer", [None, "y\n", "n\n"])
def test_an_interruption_is_asked_for(
    session: Session, champion: Champion, answer: str | None
) -> None:
    said = ["--yes"] if answer is None else []
    result = endpoint("deploy", "churn", "--replace", "--no-wait", *said, answer=answer)
    if answer is not None:
        assert "Nobody answers from its deletion until another one serves" in result.output
    documents = list(started(session.stack.deployment_arn).values())
    assert [document["replace"] for document in documents] == ([] if answer == "n\n" else [True])


def test_a_deployment_does_not_interrupt_by_itself(session: Session, champion: Champion) -> None:
    endpoint("deploy", "churn", "--no-wait")
    (document,) = started(session.stack.deployment_arn).values()
    assert "replace" not in document


def test_how_long_nobody_answered_is_counted() -> None:
    at = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    names = ["Before", "ReplaceDelete", "ReplaceWait", "ReplaceCreate", "SmokeTest", "Done"]
    steps = [
        Step(name, "Task", at + n * SECOND, at + (n + 1) * SECOND) for n, name in enumerate(names)
    ]
    assert counted(steps) == 2 * SECOND
    assert counted([s for s in steps if s.name != "ReplaceDelete"]) is None
    assert counted([s for s in steps if s.name != "SmokeTest"]) is None


def test_what_an_interruption_took_before_is_said(
    session: Session, champion: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the last deployment of this project shows; another project's begins with its name."""
    at = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    took = {"churn": 240, "churn-b2b": 7}
    monkeypatch.setattr(executions, "recent", lambda *_, **__: ["churn-b2b", "churn"])
    monkeypatch.setattr(
        executions,
        "describe",
        lambda arn: executions.Execution(arn, arn, "SUCCEEDED", at, at, {"project": arn}),
    )
    monkeypatch.setattr(
        interruption,
        "read_history",
        lambda arn: [
            Step("UpdateEndpoint", "Task", at, at),
            Step("SmokeTest", "Task", at + took[arn] * SECOND),
        ],
    )
    result = endpoint("deploy", "churn", "--replace", "--no-wait", answer="n\n")
    assert "the last deployment took 4 min 0 s to start one" in result.output


def test_deploy_without_a_champion_changes_nothing(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    result = endpoint("deploy", "churn")
    assert isinstance(result.exception, DropforgeError)
    assert "no model in production" in str(result.exception)
    assert started(session.stack.deployment_arn) == {}


def test_delete_asks_first(served: Session) -> None:
    result = endpoint("delete", "churn", answer="n\n")
    assert "will stop answering" in result.output
    assert result.exit_code == 1
    assert names() == [NAME]


@pytest.mark.parametrize(("arguments", "answer"), [((), "y\n"), (("--yes",), None)])
def test_delete_takes_alarms_and_scaling_along(
    served: Session, arguments: tuple[str, ...], answer: str | None
) -> None:
    result = endpoint("delete", "churn", *arguments, answer=answer)
    assert result.exit_code == 0, result.output
    assert names() == []
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    scaling = boto3.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    configs = boto3.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in configs] == ["c"]


def test_nothing_to_delete_is_said(session: Session, dropforge: Dropforge) -> None:
    dropforge("push", "churn")
    result = endpoint("delete", "churn")
    assert result.exit_code == 0, result.output
    assert "has no endpoint in stage dev" in result.output


def test_a_running_deployment_keeps_the_endpoint(
    served: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = executions.start(served.stack.deployment_arn, "now", {"project": "churn"})
    served.ledger.acquire("churn", "deployment", arn)
    running = executions.describe(arn)
    monkeypatch.setattr(
        executions, "describe", lambda _: executions.Execution(**vars(running) | RUNNING)
    )
    result = endpoint("delete", "churn", "--yes")
    assert isinstance(result.exception, DropforgeError)
    assert "is running since" in str(result.exception)
    assert names() == [NAME]


RUNNING = {"status": "RUNNING"}


def test_a_lock_that_was_left_behind_keeps_nothing(
    served: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = executions.start(served.stack.deployment_arn, "once", {"project": "churn"})
    served.ledger.acquire("churn", "deployment", arn)
    ended = executions.describe(arn)
    monkeypatch.setattr(
        executions,
        "describe",
        lambda _: executions.Execution(**vars(ended) | {"status": "ABORTED"}),
    )
    assert endpoint("delete", "churn", "--yes").exit_code == 0
    assert names() == []
