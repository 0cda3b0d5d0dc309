"""PlanEndpoint: the plan itself, and the endpoint as SageMaker shows it."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from dropforge.aws import clients
from dropforge.errors import ArtifactBroken, EndpointChanged
from lambdas.plan_endpoint.handler import handler
from tests.unit.lambdas.conftest import IMAGE, LAKE, Account
from tests.unit.lambdas.documents import ARTIFACT, RUN
from tests.unit.lambdas.endpoints import (
    ENDPOINT,
    carry_out,
    endpoint,
    plan,
    register,
    variant,
)


def test_a_batch_only_project_needs_nothing(account: Account) -> None:
    planned = plan(account, endpoint="none")
    assert planned["action"] == "none" and planned["create_model"] is None
    assert planned["notes"] == []


def test_a_project_that_gave_its_endpoint_up_keeps_it_and_hears_of_it(account: Account) -> None:
    carry_out(account, plan(account))
    planned = plan(account, version="2", endpoint="none")
    assert planned["action"] == "none"
    (note,) = planned["notes"]
    assert "credit-dev is still there (InService) and costs money" in note
    assert note.endswith("dropforge endpoint delete credit")


def test_the_project_as_pushed_last_says_how_it_is_served(account: Account) -> None:
    """A rollback names the version that its model was trained with; that is for its features."""
    older = account.push(resources={"endpoint": "ml.t2.medium"}).version
    account.push(resources={"endpoint": "ml.m5.xlarge"})
    event = {
        "project": "credit",
        "project_version": older,
        "run": RUN,
        "model_package_arn": register(account),
        "version": "1",
        "artifact_uri": ARTIFACT,
    }
    assert variant(handler(event, account.context))["InstanceType"] == "ml.m5.xlarge"


def test_the_first_model_creates_the_endpoint(account: Account) -> None:
    planned = plan(account)
    assert (planned["action"], planned["endpoint"]) == ("create", ENDPOINT)
    assert planned["previous_config"] is None
    assert (planned["model_exists"], planned["config_exists"]) == (False, False)
    container = planned["create_model"]["PrimaryContainer"]
    assert container["Image"] == IMAGE
    assert container["ModelDataSource"]["S3DataSource"]["S3Uri"] == ARTIFACT
    assert container["Environment"] == {"DROPFORGE_MODEL_VERSION": "1"}
    assert variant(planned) == {
        "VariantName": "main",
        "ModelName": planned["model_name"],
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    assert planned["create_endpoint"]["EndpointConfigName"] == planned["config_name"]


def test_capture_declares_the_content_types(account: Account) -> None:
    capture = plan(account)["create_endpoint_config"]["DataCaptureConfig"]
    assert capture == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{LAKE}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json", "application/jsonlines"],
        },
    }


def test_the_requests_are_valid_to_the_service_model(account: Account) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    planned = plan(account, resources={"endpoint": "ml.m5.large", "endpoint_instances": 2})
    for operation, part in {
        "CreateModel": "create_model",
        "CreateEndpointConfig": "create_endpoint_config",
        "CreateEndpoint": "create_endpoint",
        "UpdateEndpoint": "update_endpoint",
    }.items():
        shape = model.operation_model(operation).input_shape
        report = ParamValidator().validate(planned[part], shape)
        assert not report.has_errors(), report.generate_report()


def test_names_fit_and_come_from_content(account: Account) -> None:
    first, again, other = plan(account), plan(account), plan(account, version="2")
    assert first["config_name"] == again["config_name"] != other["config_name"]
    assert first["model_name"] == again["model_name"] != other["model_name"]
    assert first["config_name"].startswith("credit-dev-v1-")
    assert len(first["config_name"]) <= 63


def test_the_same_model_again_is_unchanged(account: Account) -> None:
    carry_out(account, plan(account))
    planned = plan(account)
    assert planned["action"] == "unchanged"
    assert (planned["model_exists"], planned["config_exists"]) == (True, True)
    assert planned["previous_config"] == planned["config_name"]


def test_a_new_model_updates_the_endpoint(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    planned = plan(account, version="2")
    assert (planned["action"], planned["previous_config"]) == ("update", first["config_name"])
    assert planned["update_endpoint"]["EndpointConfigName"] == planned["config_name"]
    assert planned["update_endpoint"]["RetainAllVariantProperties"] is True
    assert "ExcludeRetainedVariantProperties" not in planned["update_endpoint"]


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("Creating", "wait"),
        ("Updating", "wait"),
        ("SystemUpdating", "wait"),
        ("RollingBack", "wait"),
        ("Deleting", "wait"),
        ("Failed", "delete"),
        ("InService", "update"),
        ("UpdateRollbackFailed", "update"),
    ],
)
def test_the_action_follows_the_status(account: Account, status: str, action: str) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = status
    assert plan(account, version="2")["action"] == action


def test_a_state_for_a_person_is_an_error(account: Account) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = "OutOfService"
    with pytest.raises(EndpointChanged, match="OutOfService"):
        plan(account, version="2")


def test_a_failed_endpoint_is_no_place_to_return_to(account: Account) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = "Failed"
    assert plan(account, version="2")["previous_config"] is None


def test_a_package_of_another_artifact_is_refused(account: Account) -> None:
    spec = account.push()
    event = {
        "project": "credit",
        "project_version": spec.version,
        "run": RUN,
        "model_package_arn": register(account),
        "version": "1",
        "artifact_uri": ARTIFACT.replace("model/", "other/"),
    }
    with pytest.raises(ArtifactBroken, match="holds"):
        handler(event, account.context)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "User is not authorized to perform: sagemaker:DescribeEndpoint"),
        ("ThrottlingException", "Rate exceeded"),
        ("ValidationException", "1 validation error detected: endpointName is malformed"),
    ],
)
def test_only_absence_is_taken_for_absence(
    account: Account, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    def refuse(**arguments: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "DescribeEndpoint")

    monkeypatch.setattr(clients.client("sagemaker"), "describe_endpoint", refuse)
    with pytest.raises(ClientError, match=code):
        plan(account)
