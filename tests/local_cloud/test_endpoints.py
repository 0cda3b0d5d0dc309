"""Endpoints are server processes: created, updated blue/green, invoked, captured, deleted."""

import base64
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import wait_for
from tests.local_cloud.serving import Serving, invoke, settled


@pytest.fixture(scope="module")
def serving(cloud: LocalCloud) -> Serving:
    return Serving.make(cloud)


@pytest.fixture
def endpoint(serving: Serving) -> str:
    return serving.endpoint(serving.configure(serving.variant("2")))


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


def test_an_update_swaps(cloud: LocalCloud, serving: Serving, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html"""
    config = serving.configure(serving.variant("3"))
    client = cloud.client("sagemaker")
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert settled(cloud, endpoint)["EndpointConfigName"] == config
    assert invoke(cloud, endpoint, "2") == "6"


def test_a_failed_update_keeps_the_old(cloud: LocalCloud, serving: Serving, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html"""
    before = settled(cloud, endpoint)["EndpointConfigName"]
    cloud.client("sagemaker").update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=serving.configure(serving.variant("3", environment={"BROKEN": "1"})),
    )
    after = settled(cloud, endpoint)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert invoke(cloud, endpoint, "2") == "4"


def test_a_failed_endpoint_accepts_only_deletion(cloud: LocalCloud, serving: Serving) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html"""
    client = cloud.client("sagemaker")
    name = f"e-{uuid.uuid4().hex[:8]}"
    client.create_endpoint(
        EndpointName=name,
        EndpointConfigName=serving.configure(serving.variant("2", environment={"BROKEN": "1"})),
    )
    failed = settled(cloud, name)
    assert failed["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in failed["FailureReason"]
    with pytest.raises(ClientError, match="Failed status"):
        client.update_endpoint(
            EndpointName=name, EndpointConfigName=serving.configure(serving.variant("3"))
        )
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


def test_data_capture_has_sagemakers_layout_and_format(cloud: LocalCloud, serving: Serving) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html"""
    name = f"e-{uuid.uuid4().hex[:8]}"
    capture = serving.capture(CaptureContentTypeHeader={"CsvContentTypes": ["text/csv"]})
    config = serving.configure(serving.variant("2"), DataCaptureConfig=capture)
    cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert settled(cloud, name)["DataCaptureConfig"]["CaptureStatus"] == "Started"
    invoke(cloud, name, "5", InferenceId="row-1", Accept="application/json")
    s3 = cloud.client("s3")
    found = wait_for(
        lambda: s3.list_objects_v2(Bucket=serving.bucket, Prefix=f"capture/{name}/main/").get(
            "Contents"
        )
    )
    assert re.fullmatch(
        rf"capture/{name}/main/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-"
        r"[0-9a-f-]{36}\.jsonl",
        found[0]["Key"],
    )
    line = json.loads(s3.get_object(Bucket=serving.bucket, Key=found[0]["Key"])["Body"].read())
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


@pytest.mark.parametrize(
    ("asked", "status"), [({}, "Started"), ({"EnableCapture": False}, "Stopped")]
)
def test_capture_is_on_unless_it_is_switched_off(
    serving: Serving, asked: dict[str, bool], status: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html"""
    capture = serving.capture()
    del capture["EnableCapture"]
    config = serving.configure(serving.variant("2"), DataCaptureConfig=capture | asked)
    endpoint = serving.endpoint(config)
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert found["DataCaptureConfig"]["CaptureStatus"] == status


def test_retained_variant_properties_keep_the_old_capture(
    cloud: LocalCloud, serving: Serving, endpoint: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"""
    client = cloud.client("sagemaker")
    config = serving.configure(serving.variant("3"), DataCaptureConfig=serving.capture())
    client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config,
        RetainAllVariantProperties=True,
    )
    assert "DataCaptureConfig" not in settled(cloud, endpoint)
    client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
    )
    assert settled(cloud, endpoint)["DataCaptureConfig"]["EnableCapture"]


def test_a_package_is_served(cloud: LocalCloud, serving: Serving) -> None:
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
                            "S3Uri": f"s3://{serving.bucket}/m3/",
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
        ExecutionRoleArn=serving.role,
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


def test_a_body_over_six_megabytes_is_refused(cloud: LocalCloud, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""
    client = cloud.client("sagemaker-runtime")
    with pytest.raises(client.exceptions.ValidationError, match="less than or equal to 6291456"):
        client.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Body=b"1" * (6 * 1024 * 1024 + 1)
        )


def test_a_model_that_does_not_answer_in_time_is_a_model_error(
    cloud: LocalCloud, endpoint: str, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html

    A container has 60 seconds; five here (DROPFORGE_INVOCATION_TIMEOUT in conftest.py). The
    wording: https://github.com/aws/amazon-sagemaker-examples/issues/799
    """
    with pytest.raises(ClientError, match="ModelError") as raised:
        invoke(cloud, endpoint, f"hold {tmp_path / 'never'}")
    message = raised.value.response["Error"]["Message"]
    assert 'server error (0) from primary with message "Your invocation timed out' in message


def test_slow_models_keep_nobody_from_the_api(
    cloud: LocalCloud, endpoint: str, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html"""
    with ThreadPoolExecutor(24) as pool:
        body = f"hold {tmp_path / 'released'}"
        held = [pool.submit(invoke, cloud, endpoint, body) for _ in range(24)]
        described = cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)
        assert described["EndpointStatus"] == "InService"
        assert not any(one.done() for one in held)
        (tmp_path / "released").touch()
    assert {one.result() for one in held} == {"2"}
