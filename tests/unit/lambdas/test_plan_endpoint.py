"""PlanEndpoint: the plan itself, and the endpoint as SageMaker shows it."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from moto.sagemaker.models import sagemaker_backends

from dropforge.aws import clients
from dropforge.errors import ArtifactBroken, EndpointChanged
from lambdas.plan_endpoint.handler import handler
from lambdas.register.package import model_data_source
from tests.unit.lambdas.conftest import ACCOUNT, IMAGE, LAKE, REGION, Account
from tests.unit.lambdas.documents import ARTIFACT, RUN, make_champion

ENDPOINT = "credit-dev"


def register(account: Account) -> str:
    """A package in the registry; its ARN."""
    sagemaker = account.client("sagemaker")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if not groups:
        sagemaker.create_model_package_group(ModelPackageGroupName=ENDPOINT)
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=ENDPOINT,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataSource": model_data_source(ARTIFACT)}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(answer["ModelPackageArn"])


def plan(account: Account, version: str = "1", **changes: Any) -> dict[str, Any]:
    """What is planned for a freshly registered package."""
    resources = {"endpoint": "ml.m5.large", "endpoint_instances": 1}
    spec = account.push(**{"resources": resources, **changes})
    event = {
        "project": "credit",
        "project_version": spec.version,
        "run": RUN,
        "model_package_arn": register(account),
        "version": version,
        "artifact_uri": ARTIFACT,
    }
    return handler(event, account.context)


def carry_out(account: Account, planned: dict[str, Any]) -> None:
    """Do what the state machine does with a plan to create."""
    sagemaker = account.client("sagemaker")
    sagemaker.create_model(**planned["create_model"])
    sagemaker.create_endpoint_config(**planned["create_endpoint_config"])
    sagemaker.create_endpoint(**planned["create_endpoint"])


def serve(account: Account, config: dict[str, Any]) -> None:
    """Let the endpoint serve a config that somebody made by hand."""
    account.client("sagemaker").create_endpoint_config(**config)
    endpoint(account).endpoint_config_name = config["EndpointConfigName"]


def endpoint(account: Account) -> Any:
    """The endpoint inside the mock."""
    return sagemaker_backends[ACCOUNT][REGION].endpoints[ENDPOINT]


def by_hand(planned: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A planned config with changes to its variant, under a name of a person's own."""
    config = dict(planned["create_endpoint_config"])
    config["ProductionVariants"] = [{**config["ProductionVariants"][0], **changes}]
    return config | {"EndpointConfigName": "by-hand", "Tags": config["Tags"]}


def variant(planned: dict[str, Any]) -> dict[str, Any]:
    """The planned variant."""
    (found,) = planned["create_endpoint_config"]["ProductionVariants"]
    return dict(found)


def test_a_batch_only_project_needs_nothing(account: Account) -> None:
    planned = plan(account, endpoint="none")
    assert planned["action"] == "none" and planned["create_model"] is None


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
    ],
)
def test_the_action_follows_the_status(account: Account, status: str, action: str) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = status
    assert plan(account, version="2")["action"] == action


@pytest.mark.parametrize("status", ["OutOfService", "UpdateRollbackFailed"])
def test_a_state_for_a_person_is_an_error(account: Account, status: str) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = status
    with pytest.raises(EndpointChanged, match=status):
        plan(account, version="2")


def test_a_failed_endpoint_is_no_place_to_return_to(account: Account) -> None:
    carry_out(account, plan(account))
    endpoint(account).endpoint_status = "Failed"
    assert plan(account, version="2")["previous_config"] is None


def test_what_was_set_by_hand_survives(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first, InstanceType="ml.c5.xlarge", InitialInstanceCount=3, VolumeSizeInGB=20)
    hand["KmsKeyId"] = "alias/ours"
    hand["DataCaptureConfig"] = hand["DataCaptureConfig"] | {
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://elsewhere/capture",
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/x-ours"]},
    }
    hand["Tags"] = [*hand["Tags"], {"Key": "cost-center", "Value": "42"}]
    serve(account, hand)
    planned = plan(account, version="2")
    config = planned["create_endpoint_config"]
    assert variant(planned) | {"ModelName": "", "InitialVariantWeight": 1.0} == {
        "VariantName": "main",
        "ModelName": "",
        "InstanceType": "ml.c5.xlarge",
        "InitialInstanceCount": 3,
        "InitialVariantWeight": 1.0,
        "VolumeSizeInGB": 20,
    }
    assert variant(planned)["ModelName"] == planned["model_name"] != first["model_name"]
    assert config["KmsKeyId"] == "alias/ours"
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 20
    assert config["DataCaptureConfig"]["DestinationS3Uri"] == "s3://elsewhere/capture"
    assert config["DataCaptureConfig"]["CaptureContentTypeHeader"] == {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/x-ours", "application/json", "application/jsonlines"],
    }
    assert {"Key": "cost-center", "Value": "42"} in config["Tags"]


def test_capture_switched_off_by_hand_stays_off_until_the_project_says(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first)
    hand["DataCaptureConfig"] = hand["DataCaptureConfig"] | {"EnableCapture": False}
    serve(account, hand)
    kept = plan(account, version="2")["create_endpoint_config"]["DataCaptureConfig"]
    assert kept["EnableCapture"] is False
    said = plan(account, version="2", capture={"sampling_percentage": 50})
    config = said["create_endpoint_config"]["DataCaptureConfig"]
    assert (config["EnableCapture"], config["InitialSamplingPercentage"]) == (True, 50)
    assert {"VariantPropertyType": "DataCaptureConfig"} in said["update_endpoint"][
        "ExcludeRetainedVariantProperties"
    ]


def test_what_the_project_newly_declares_wins_over_the_hand(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    serve(account, by_hand(first, InstanceType="ml.c5.xlarge", InitialInstanceCount=3))
    resources = {"endpoint": "ml.m5.xlarge", "endpoint_instances": 2}
    planned = plan(account, version="2", resources=resources)
    assert variant(planned)["InstanceType"] == "ml.m5.xlarge"
    assert variant(planned)["InitialInstanceCount"] == 2
    assert planned["update_endpoint"]["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredInstanceCount"}
    ]


def test_one_instance_cannot_have_a_canary(account: Account) -> None:
    routing = _routing(plan(account))
    assert routing["Type"] == "ALL_AT_ONCE"


@pytest.mark.parametrize("how", ["declared", "scaled"])
def test_two_instances_get_a_canary_of_at_most_half(account: Account, how: str) -> None:
    if how == "declared":
        planned = plan(account, resources={"endpoint": "ml.m5.large", "endpoint_instances": 2})
    else:
        carry_out(account, plan(account))
        endpoint(account).production_variants[0]["DesiredInstanceCount"] = 2
        planned = plan(account, version="2")
    routing = _routing(planned)
    assert routing["Type"] == "CANARY"
    assert routing["CanarySize"] == {"Type": "INSTANCE_COUNT", "Value": 1}


def test_a_serverless_endpoint_keeps_being_one(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first)
    hand["ProductionVariants"] = [
        {
            "VariantName": "main",
            "ModelName": first["model_name"],
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
        }
    ]
    del hand["DataCaptureConfig"]
    serve(account, hand)
    planned = plan(account, version="2")
    assert variant(planned)["ServerlessConfig"]["MemorySizeInMB"] == 2048
    assert "InstanceType" not in variant(planned)
    assert "DataCaptureConfig" not in planned["create_endpoint_config"]
    assert planned["deployment_config"] == {}
    assert "DeploymentConfig" not in planned["update_endpoint"]


def test_a_traffic_split_by_hand_is_not_overwritten(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    hand = by_hand(first)
    hand["ProductionVariants"].append(hand["ProductionVariants"][0] | {"VariantName": "second"})
    serve(account, hand)
    with pytest.raises(EndpointChanged, match="several variants"):
        plan(account, version="2")


def test_an_endpoint_that_is_gone_comes_back_with_its_settings(account: Account) -> None:
    first = plan(account)
    carry_out(account, first)
    serve(account, by_hand(first, InstanceType="ml.c5.xlarge"))
    account.ledger.move_champion("credit", make_champion("1", config_name="by-hand"), None)
    account.client("sagemaker").delete_endpoint(EndpointName=ENDPOINT)
    planned = plan(account, version="2")
    assert planned["action"] == "create"
    assert variant(planned)["InstanceType"] == "ml.c5.xlarge"


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


def _routing(planned: dict[str, Any]) -> dict[str, Any]:
    policy = planned["deployment_config"]["BlueGreenUpdatePolicy"]
    return dict(policy["TrafficRoutingConfiguration"])
