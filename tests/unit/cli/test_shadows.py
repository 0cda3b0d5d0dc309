"""`endpoint shadow`: what it starts, what it refuses, what it says of a shadow that is there."""

import datetime as dt
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from typer.testing import Result

from dropforge.cli import endpoint
from dropforge.cli import shadowed as reading
from dropforge.cli.session import Session
from dropforge.ledger import Champion

from .conftest import Dropforge
from .test_drops import executions as started
from .test_endpoints import served as served
from .test_models import champion as champion

LATER = dt.timedelta(seconds=30)


def answering(
    monkeypatch: pytest.MonkeyPatch, service: str, **operations: Callable[..., Any]
) -> None:
    """Let a service answer what the mock of it does not know: shadows and percentiles."""
    before: Callable[[str], Any] = vars(reading)["client"]
    fake = SimpleNamespace(**operations)
    for module in (reading, endpoint):
        monkeypatch.setattr(
            module, "client", lambda name: fake if name == service else before(name)
        )


def shadow(dropforge: Dropforge, *arguments: str) -> Result:
    return dropforge("endpoint", "shadow", "churn", *arguments)


def test_a_version_is_shadowed_by_a_deployment_of_the_champion(
    served: Session, champion: Champion, dropforge: Dropforge
) -> None:
    result = shadow(dropforge, "--version", "v4", "--percent", "25", "--no-wait")
    assert result.exit_code == 0, result.output
    ((name, document),) = started(served.stack.deployment_arn).items()
    assert document == {
        "project": "churn",
        "project_version": served.pushed("churn").version,
        "run": name,
        "model_package_arn": champion.model_package_arn,
        "version": "3",
        "artifact_uri": champion.artifact_uri,
        "expected_champion": "3",
        "reason": "shadow",
        "shadow": {"ask": "version", "version": "4", "percent": 25},
    }
    assert f"v4 becomes the shadow of v3 of churn: {name}." in result.output


def test_off_takes_it_away(served: Session, champion: Champion, dropforge: Dropforge) -> None:
    result = shadow(dropforge, "--off", "--no-wait")
    ((name, document),) = started(served.stack.deployment_arn).items()
    assert f"Taking the shadow of v3 of churn away: {name}." in result.output
    assert document["shadow"] == {"ask": "off"}


@pytest.mark.parametrize(
    "arguments",
    [("--off", "--version", "4"), ("--percent", "5"), ("--version", "9")],
)
def test_what_makes_no_sense_starts_nothing(
    served: Session, champion: Champion, dropforge: Dropforge, arguments: tuple[str, ...]
) -> None:
    result = shadow(dropforge, *arguments)
    assert result.exit_code == 1
    assert "Nothing was changed" in result.output
    assert started(served.stack.deployment_arn) == {}


def test_without_an_endpoint_there_is_nothing_to_copy(
    session: Session, champion: Champion, dropforge: Dropforge
) -> None:
    result = shadow(dropforge, "--version", "4")
    assert result.exit_code == 1
    assert "churn has no endpoint" in result.output
    assert "has no shadow in stage dev" in shadow(dropforge).output


@pytest.fixture
def shadowed(served: Session, champion: Champion, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Version 4 shadows, and both answered: another decision for one of two requests."""
    served.ledger.note_shadow("churn", "4", 10)
    answer = {
        "EndpointName": "churn-dev",
        "EndpointStatus": "InService",
        "ShadowProductionVariants": [{"VariantName": "shadow-v4-10"}],
        "DataCaptureConfig": {"DestinationS3Uri": "s3://lake/capture"},
    }
    answering(monkeypatch, "sagemaker", describe_endpoint=lambda **_: answer)
    captured("main", "3", {"a": (0.4, 0), "b": (0.6, 1), "unseen": (0.1, 0)})
    captured("shadow-v4-10", "4", {"b": (0.8, 1), "a": (0.6, 1)})
    return served


def captured(variant: str, version: str, answers: dict[str, tuple[float, int]]) -> None:
    lines = []
    for sent, (score, decision) in answers.items():
        row = {"score": score, "decision": decision, "model_version": version}
        output = {"data": json.dumps({"predictions": [row]}), "encoding": "JSON"}
        data = {
            "endpointInput": {"data": sent},
            "endpointOutput": output | {"observedContentType": "application/json"},
        }
        lines.append(json.dumps({"captureData": data, "eventMetadata": {"eventId": sent}}))
    key = f"capture/churn-dev/{variant}/2026/01/31/00/1.jsonl"
    boto3.client("s3").put_object(Bucket="lake", Key=key, Body="\n".join(lines).encode())


def test_it_says_who_shadows_and_how_it_compares(shadowed: Session, dropforge: Dropforge) -> None:
    said = shadow(dropforge).output
    assert "v4 shadows v3 of churn: 10 % of the live requests, since" in said
    assert "compared: 2 requests, 2 rows" in said
    assert "other decision: 1 rows (50.0%)" in said
    assert "mean absolute difference of the scores: 0.2" in said
    assert "p95 of the slowest hour: not known, production not known" in said
    assert "dropforge endpoint shadow churn --off" in said


def test_a_program_gets_the_same_as_json(shadowed: Session, dropforge: Dropforge) -> None:
    document = json.loads(shadow(dropforge, "--json").stdout)
    assert (document["version"], document["champion"], document["percent"]) == ("4", "3", 10)
    assert document["compared"]["pairs"] == 2
    assert document["by_hand"] is None


def test_latencies_are_the_worst_hour_s_in_milliseconds(
    shadowed: Session, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statistics(**asked: Any) -> dict[str, Any]:
        assert (asked["MetricName"], asked["ExtendedStatistics"]) == ("ModelLatency", ["p95"])
        (variant,) = [d["Value"] for d in asked["Dimensions"] if d["Name"] == "VariantName"]
        worst = {"main": 2000.0, "shadow-v4-10": 3500.0}[variant]
        return {"Datapoints": [{"ExtendedStatistics": {"p95": us}} for us in (worst, 900.0)]}

    answering(monkeypatch, "cloudwatch", get_metric_statistics=statistics)
    assert "slowest hour: 3.5 ms, production 2.0 ms" in shadow(dropforge).output


def test_answers_from_before_it_was_a_shadow_do_not_count(
    shadowed: Session, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = shadowed.ledger.shadow("churn")
    assert noted is not None
    later = noted.model_copy(update={"since": dt.datetime.now(dt.UTC) + LATER})
    monkeypatch.setattr(type(shadowed.ledger), "shadow", lambda *_: later)
    assert "Nothing to compare yet" in shadow(dropforge).output


def test_a_shadow_of_somebody_else_is_named(
    served: Session,
    champion: Champion,
    dropforge: Dropforge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = {"EndpointName": "churn-dev", "ShadowProductionVariants": [{"VariantName": "rival"}]}
    answering(monkeypatch, "sagemaker", describe_endpoint=lambda **_: answer)
    assert "set up by hand (rival)" in shadow(dropforge).output
