"""Endpoints are server processes: created, updated blue/green, invoked, captured, deleted."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import make_role, wait_for

Configure = Callable[..., str]


@pytest.fixture(scope="module")
def bucket(cloud: LocalCloud) -> str:
    name = f"models-{uuid.uuid4().hex[:8]}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    for factor in ("2", "3"):
        s3.put_object(Bucket=name, Key=f"m{factor}/model.txt", Body=factor.encode())
    return name


@pytest.fixture(scope="module")
def role(cloud: LocalCloud, bucket: str) -> str:
    return make_role(
        cloud,
        f"endpoint-{uuid.uuid4().hex[:8]}",
        "sagemaker.amazonaws.com",
        ("s3:GetObject", f"arn:aws:s3:::{bucket}/*"),
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/capture/*"),
        ("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*"),
    )


@pytest.fixture
def configure(cloud: LocalCloud, bucket: str, role: str) -> Configure:
    """Makes a model and a configuration; the configuration's name."""

    def make(
        factor: str,
        capture: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
    ) -> str:
        client = cloud.client("sagemaker")
        name = f"c-{uuid.uuid4().hex[:8]}"
        client.create_model(
            ModelName=name,
            ExecutionRoleArn=role,
            PrimaryContainer={
                "Image": "image",
                "Environment": environment or {},
                "ModelDataSource": {
                    "S3DataSource": {
                        "S3Uri": f"s3://{bucket}/m{factor}/",
                        "S3DataType": "S3Prefix",
                        "CompressionType": "None",
                    }
                },
            },
        )
        client.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "main",
                    "ModelName": name,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                }
            ],
            **({"DataCaptureConfig": capture} if capture else {}),
        )
        return name

    return make


@pytest.fixture
def endpoint(cloud: LocalCloud, configure: Configure) -> str:
    name = f"e-{uuid.uuid4().hex[:8]}"
    cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=configure("2"))
    assert settled(cloud, name)["EndpointStatus"] == "InService"
    return name


def settled(cloud: LocalCloud, name: str) -> dict[str, Any]:
    def described() -> Any:
        found = cloud.client("sagemaker").describe_endpoint(EndpointName=name)
        return found if found["EndpointStatus"] in ("InService", "Failed") else None

    result: dict[str, Any] = wait_for(described)
    return result


def invoke(cloud: LocalCloud, name: str, body: str, **options: str) -> str:
    client = cloud.client("sagemaker-runtime")
    answer = client.invoke_endpoint(
        EndpointName=name, Body=body.encode(), **{"ContentType": "text/csv", **options}
    )
    assert answer["InvokedProductionVariant"] == "main"
    text: str = answer["Body"].read().decode()
    return text


def test_an_endpoint_answers(cloud: LocalCloud, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"""
    assert invoke(cloud, endpoint, "21\n4") == "42\n8"


def test_a_model_error_is_a_424(cloud: LocalCloud, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""
    with pytest.raises(ClientError, match="ModelError") as raised:
        invoke(cloud, endpoint, "x")
    answer = raised.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (400, "not a number")


def test_an_unknown_endpoint_is_a_validation_error(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""
    with pytest.raises(ClientError) as raised:
        invoke(cloud, "nowhere", "1")
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_an_update_swaps(cloud: LocalCloud, endpoint: str, configure: Configure) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html"""
    config = configure("3")
    client = cloud.client("sagemaker")
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert settled(cloud, endpoint)["EndpointConfigName"] == config
    assert invoke(cloud, endpoint, "2") == "6"


def test_a_failed_update_keeps_the_old(
    cloud: LocalCloud, endpoint: str, configure: Configure
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html"""
    before = settled(cloud, endpoint)["EndpointConfigName"]
    cloud.client("sagemaker").update_endpoint(
        EndpointName=endpoint, EndpointConfigName=configure("3", environment={"BROKEN": "1"})
    )
    after = settled(cloud, endpoint)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert invoke(cloud, endpoint, "2") == "4"


def test_a_failed_endpoint_accepts_only_deletion(cloud: LocalCloud, configure: Configure) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html"""
    client = cloud.client("sagemaker")
    name = f"e-{uuid.uuid4().hex[:8]}"
    client.create_endpoint(
        EndpointName=name, EndpointConfigName=configure("2", environment={"BROKEN": "1"})
    )
    failed = settled(cloud, name)
    assert failed["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in failed["FailureReason"]
    with pytest.raises(ClientError, match="Failed status"):
        client.update_endpoint(EndpointName=name, EndpointConfigName=configure("3"))
    client.delete_endpoint(EndpointName=name)
    wait_for(
        lambda: (
            name
            not in [
                item["EndpointName"] for item in client.list_endpoints(MaxResults=100)["Endpoints"]
            ]
        )
    )


def test_a_deleted_endpoint_has_no_process(cloud: LocalCloud, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpoint.html"""
    cloud.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    wait_for(lambda: not (cloud.home.endpoints / endpoint).exists())
    with pytest.raises(ClientError, match="Could not find endpoint"):
        cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)


def test_a_server_that_dies_is_started_again(cloud: LocalCloud, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"""
    with pytest.raises(ClientError, match="ModelError"):
        invoke(cloud, endpoint, "die")

    def answers() -> bool:
        try:
            return invoke(cloud, endpoint, "1") == "2"
        except ClientError:
            return False

    wait_for(answers)


def test_data_capture_has_sagemakers_layout_and_format(
    cloud: LocalCloud, bucket: str, configure: Configure
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html"""
    name = f"e-{uuid.uuid4().hex[:8]}"
    config = configure(
        "2",
        capture={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{bucket}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )
    cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert settled(cloud, name)["DataCaptureConfig"]["CaptureStatus"] == "Started"
    invoke(cloud, name, "5", InferenceId="row-1", Accept="application/json")
    s3 = cloud.client("s3")
    found = wait_for(
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"capture/{name}/main/").get("Contents")
    )
    assert re.fullmatch(
        rf"capture/{name}/main/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-"
        r"[0-9a-f-]{36}\.jsonl",
        found[0]["Key"],
    )
    line = json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read())
    assert line["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "5",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": base64.b64encode(b"10").decode(),
            "encoding": "BASE64",
        },
    }
    assert line["eventMetadata"]["inferenceId"] == "row-1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["eventMetadata"]["inferenceTime"])
    assert line["eventVersion"] == "0"


def test_retained_variant_properties_keep_the_old_capture(
    cloud: LocalCloud, bucket: str, endpoint: str, configure: Configure
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"""
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    client = cloud.client("sagemaker")
    client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=configure("3", capture),
        RetainAllVariantProperties=True,
    )
    assert "DataCaptureConfig" not in settled(cloud, endpoint)
    client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=configure("3", capture),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
    )
    assert settled(cloud, endpoint)["DataCaptureConfig"]["EnableCapture"]


def test_a_package_is_served(cloud: LocalCloud, bucket: str, role: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html"""
    client = cloud.client("sagemaker")
    group = f"g-{uuid.uuid4().hex[:8]}"
    client.create_model_package_group(ModelPackageGroupName=group)
    package = client.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "image",
                    "ModelDataSource": {
                        "S3DataSource": {
                            "S3Uri": f"s3://{bucket}/m3/",
                            "S3DataType": "S3Prefix",
                            "CompressionType": "None",
                        }
                    },
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    client.create_model(
        ModelName=group,
        ExecutionRoleArn=role,
        PrimaryContainer={"ModelPackageName": package, "Environment": {"FACTOR": "7"}},
    )
    client.create_endpoint_config(
        EndpointConfigName=group,
        ProductionVariants=[
            {
                "VariantName": "main",
                "ModelName": group,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    client.create_endpoint(EndpointName=group, EndpointConfigName=group)
    assert settled(cloud, group)["EndpointStatus"] == "InService"
    assert invoke(cloud, group, "2") == "14"
