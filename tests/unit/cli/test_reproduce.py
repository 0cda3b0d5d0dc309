"""`dropforge reproduce`: the job that it starts, and what it tells of the job's findings."""

from typing import Any

import boto3
import pytest
from botocore.session import Session as BotocoreSession
from botocore.validate import validate_parameters

from dropforge import layout
from dropforge.aws.documents import write_document
from dropforge.cli import reproduce as command
from dropforge.cli.session import Session
from dropforge.errors import RunFailed
from dropforge.reproduction import Difference, FileComparison, Reproduction
from tests.unit.domain.figures import project

from .conftest import Dropforge
from .test_decisions import register

SAME = FileComparison(name="model.txt", registered="a" * 64, made_again="a" * 64)
OTHER = FileComparison(name="model.txt", registered="a" * 64, made_again="b" * 64)


def found(name: str, file: FileComparison = SAME, **changes: Any) -> Reproduction:
    values = {"project": "churn", "model_version": "3", "run": "r3", "job": name, "files": [file]}
    return Reproduction.model_validate(values | {"seconds": 12.0} | changes)


@pytest.fixture
def jobs(session: Session, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A model v3, and jobs that end at once with what `jobs["finds"]` says."""
    spec = project()
    session.ledger.point_project("churn", spec.version)
    register(session, "3", project_version=spec.version)
    seen: dict[str, Any] = {"finds": {}}

    def end(name: str) -> None:
        document = found(name, **seen["finds"])
        write_document(layout.reproduction("lake", "churn", name), document)

    def start(**request: Any) -> None:
        seen["request"] = request

    sagemaker = boto3.client("sagemaker")
    monkeypatch.setattr(sagemaker, "create_processing_job", start)
    monkeypatch.setattr(command, "client", lambda service: sagemaker)
    monkeypatch.setattr(command, "_wait", end)
    monkeypatch.setattr(command, "fetch_project", lambda *place: spec)
    return seen


def test_the_job_is_one_that_sagemaker_takes(dropforge: Dropforge, jobs: dict[str, Any]) -> None:
    result = dropforge("reproduce", "churn", "v3")
    assert result.exit_code == 0, result.output
    assert "churn v3: byte for byte the same, in 12 s." in result.output
    request = jobs["request"]
    model = BotocoreSession().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    validate_parameters(request, shape)
    arguments = request["AppSpecification"]["ContainerArguments"]
    assert arguments[arguments.index("--model-version") + 1] == "3"
    name = request["ProcessingJobName"]
    (output,) = request["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == f"s3://lake/runs/churn/{name}"
    (given,) = request["ProcessingInputs"]
    assert given["S3Input"]["S3Uri"] == "s3://lake/models/churn/r3/"


def test_what_differs_is_told_and_fails(dropforge: Dropforge, jobs: dict[str, Any]) -> None:
    changed = Difference(name="lightgbm", registered="4.5.0", now="4.7.0")
    jobs["finds"] = {
        "file": OTHER,
        "differences": [changed],
        "max_score_difference": 0.002,
        "rows_compared": 880,
    }
    result = dropforge("reproduce", "churn", "3")
    assert result.exit_code == 1
    assert "DIFFERS  model.txt" in result.output
    assert "lightgbm is 4.7.0, was 4.5.0" in result.output
    assert "880 holdout rows differ by at most 0.002" in result.output
    assert "not the registered model byte for byte" in result.output


def test_without_a_champion_a_version_is_needed(dropforge: Dropforge, jobs: dict[str, Any]) -> None:
    result = dropforge("reproduce", "churn")
    assert result.exit_code == 1
    assert "has no champion yet" in result.output
    assert "request" not in jobs


def test_for_programs(dropforge: Dropforge, jobs: dict[str, Any]) -> None:
    result = dropforge("reproduce", "churn", "3", "--json")
    assert Reproduction.model_validate_json(result.stdout).equal


def test_a_job_that_fails_says_why(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"ProcessingJobStatus": "Failed", "ExitMessage": "Rows were vacuumed."}

    class Sagemaker:
        def describe_processing_job(self, **_: Any) -> dict[str, str]:
            return job

    monkeypatch.setattr(command, "client", lambda service: Sagemaker())
    with pytest.raises(RunFailed, match="ended Failed: Rows were vacuumed"):
        command._wait("job")
