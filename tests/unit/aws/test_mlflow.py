"""A tracking server that SageMaker manages: where it is asked, and how requests are signed."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest

from dropforge.aws.mlflow import MLflowServer, TrackingUnavailable
from tests.unit.domain.test_tracking import tracked

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/team"


class Answer:
    def __init__(self, status: int, document: Any) -> None:
        self.status_code = status
        self.content = json.dumps(document).encode()


class Recorder:
    """Answers every request alike, and keeps them."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[AWSPreparedRequest] = []

    def send(self, request: AWSPreparedRequest) -> Answer:
        self.requests.append(request)
        return self._answer


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")


def asked(server: MLflowServer, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(answer)
    monkeypatch.setattr(server, "_session", recorder)
    return recorder


@pytest.mark.usefixtures("credentials")
def test_a_managed_server_is_asked_in_its_region_and_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = MLflowServer(ARN)
    recorder = asked(server, Answer(403, {"message": "not yours"}), monkeypatch)
    with pytest.raises(TrackingUnavailable, match="answered 403: not yours"):
        server.track(tracked(), {})
    (request,) = recorder.requests
    assert request.url.startswith("https://eu-central-1.experiments.sagemaker.aws/api/2.0/mlflow/")
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["x-mlflow-sm-tracking-server-arn"] == ARN
    signature = headers["authorization"]
    signature = signature.decode() if isinstance(signature, bytes) else signature
    assert "/eu-central-1/sagemaker-mlflow/aws4_request" in signature


def test_an_overloaded_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dropforge.aws.mlflow.time.sleep", lambda seconds: None)
    server = MLflowServer("http://127.0.0.1:1")
    recorder = asked(server, Answer(503, {}), monkeypatch)
    with pytest.raises(TrackingUnavailable, match="answered 503"):
        server.track(tracked(), {})
    assert len(recorder.requests) == 3


def test_a_person_is_told_where_a_managed_run_is(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = MLflowServer(ARN).place(tracked(), "abc")
    assert place == f"{ARN}, experiment churn-prod, run churn-202010-01234567-1"
