"""Processing jobs are subprocesses with their role's credentials."""

import json
import os
import signal
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import client_of, make_role, wait_for

SERVICE = "sagemaker.amazonaws.com"
Start = Callable[..., str]


@pytest.fixture(scope="module")
def bucket(cloud: LocalCloud) -> str:
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_object(Bucket=name, Key="in/a/one.txt", Body=b"one")
    cloud.client("s3").put_object(Bucket=name, Key="in/two.txt", Body=b"two")
    return name


@pytest.fixture(scope="module")
def role(cloud: LocalCloud, bucket: str) -> str:
    return make_role(
        cloud,
        "processing-role",
        SERVICE,
        (["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"),
        ("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*"),
    )


@pytest.fixture
def start(cloud: LocalCloud, role: str) -> Start:
    def run(*arguments: str, **changes: Any) -> str:
        name = f"p-{uuid.uuid4().hex[:8]}"
        cloud.client("sagemaker").create_processing_job(
            **{
                "ProcessingJobName": name,
                "RoleArn": role,
                "AppSpecification": {
                    "ImageUri": "image:latest",
                    "ContainerEntrypoint": ["python", "-m", "sagemaker_jobs", "prepare"],
                    "ContainerArguments": list(arguments),
                },
                "ProcessingResources": {
                    "ClusterConfig": {
                        "InstanceCount": 1,
                        "InstanceType": "ml.m5.large",
                        "VolumeSizeInGB": 1,
                    }
                },
            }
            | changes
        )
        return name

    return run


def ended(cloud: LocalCloud, name: str) -> dict[str, Any]:
    client = cloud.client("sagemaker")

    def job() -> Any:
        found = client.describe_processing_job(ProcessingJobName=name)
        return found if found["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

    result: dict[str, Any] = wait_for(job)
    return result


def test_inputs_are_downloaded_and_outputs_uploaded(
    cloud: LocalCloud, bucket: str, start: Start
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html"""
    name = start(
        "copy",
        "/opt/ml/processing/input/x",
        "/opt/ml/processing/output/y",
        ProcessingInputs=[
            {
                "InputName": "x",
                "S3Input": {
                    "S3Uri": f"s3://{bucket}/in/",
                    "LocalPath": "/opt/ml/processing/input/x",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "y",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/out",
                        "LocalPath": "/opt/ml/processing/output/y",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    )
    job = ended(cloud, name)
    assert job["ProcessingJobStatus"] == "Completed", job
    s3 = cloud.client("s3")
    assert s3.get_object(Bucket=bucket, Key="out/one.txt")["Body"].read() == b"ONE"
    assert s3.get_object(Bucket=bucket, Key="out/two.txt")["Body"].read() == b"TWO"


def test_a_failure_carries_message_and_exit_code(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProcessingJob.html"""
    job = ended(cloud, start("fail", "3", "the file has no id column"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert job["ExitMessage"] == "the file has no id column"


def test_a_killed_job_has_failed_with_137(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-troubleshoot.html"""
    name = start("sleep", "30")
    pid = cloud.home.jobs / name / "pid"
    wait_for(pid.exists)
    wait_for(pid.read_text)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert ended(cloud, name)["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_a_stopped_job_is_stopped(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopProcessingJob.html"""
    name = start("sleep", "30")
    wait_for((cloud.home.jobs / name / "pid").exists)
    cloud.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert ended(cloud, name)["ProcessingJobStatus"] == "Stopped"


def test_max_runtime_stops_a_job(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingStoppingCondition.html"""
    job = ended(cloud, start("sleep", "30", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert job["ProcessingJobStatus"] == "Stopped"


def test_environment_is_the_jobs_own_and_the_roles(
    cloud: LocalCloud, bucket: str, start: Start
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html"""
    name = start(
        "environment",
        "/opt/ml/processing/output/e",
        Environment={"COLOUR": "blue"},
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "e",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/env",
                        "LocalPath": "/opt/ml/processing/output/e",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    )
    job = ended(cloud, name)
    assert job["Environment"] == {"COLOUR": "blue"}
    body = cloud.client("s3").get_object(Bucket=bucket, Key="env/environment.json")["Body"].read()
    environment = json.loads(body)
    assert environment["COLOUR"] == "blue"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert cloud.info.secret_access_key not in environment.values()


def test_a_job_may_do_only_what_its_role_may(
    cloud: LocalCloud, bucket: str, role: str, start: Start
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"""
    other = f"other-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=other)
    cloud.client("s3").put_object(Bucket=other, Key="k", Body=b"x")
    assert ended(cloud, start("s3", bucket, "in/two.txt"))["ProcessingJobStatus"] == "Completed"
    assert ended(cloud, start("s3", other, "k"))["ProcessingJobStatus"] == "Failed"
    refused = ended(
        cloud,
        start(
            "copy",
            "/opt/ml/a",
            "/opt/ml/b",
            ProcessingInputs=[
                {
                    "InputName": "x",
                    "S3Input": {
                        "S3Uri": f"s3://{other}/k",
                        "LocalPath": "/opt/ml/a",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
        ),
    )
    assert refused["ProcessingJobStatus"] == "Failed"
    assert "AccessDenied" in refused["FailureReason"]


def test_logs_go_to_cloudwatch(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html"""
    name = start("sleep", "0")
    ended(cloud, name)
    events = cloud.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=f"{name}/algo-1-"
    )
    assert [event["message"] for event in events["events"]] == ["processing: sleep"]


def test_a_name_is_used_once(cloud: LocalCloud, role: str, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html"""
    name = start("sleep", "0")
    with pytest.raises(ClientError, match="ResourceInUse"):
        start("sleep", "0", ProcessingJobName=name)


def test_callers_need_permissions_and_pass_role(cloud: LocalCloud, role: str, start: Start) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    request: dict[str, Any] = {
        "ProcessingJobName": f"p-{uuid.uuid4().hex[:8]}",
        "RoleArn": role,
        "AppSpecification": {"ImageUri": "i", "ContainerArguments": ["prepare", "sleep", "0"]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
    }
    nobody = client_of(cloud, "nobody")("sagemaker")
    with pytest.raises(ClientError, match="sagemaker:CreateProcessingJob"):
        nobody.create_processing_job(**request)
    creator = client_of(
        cloud,
        "creator",
        ("sagemaker:CreateProcessingJob", "arn:aws:sagemaker:*:*:processing-job/p-*"),
    )
    with pytest.raises(ClientError, match="iam:PassRole"):
        creator("sagemaker").create_processing_job(**request)
    passer = client_of(
        cloud, "passer", ("sagemaker:CreateProcessingJob", "*"), ("iam:PassRole", role)
    )("sagemaker")
    passer.create_processing_job(**request)
    with pytest.raises(ClientError, match="sagemaker:AddTags"):
        passer.create_processing_job(
            **request | {"ProcessingJobName": "p-tagged", "Tags": [{"Key": "a", "Value": "b"}]}
        )


def test_the_role_must_trust_sagemaker(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"""
    wrong = make_role(cloud, "not-for-sagemaker", "lambda.amazonaws.com")
    with pytest.raises(ClientError, match="Could not assume role"):
        start("sleep", "0", RoleArn=wrong)


def test_parameters_are_validated(cloud: LocalCloud, start: Start) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html"""
    with pytest.raises(ClientError, match="at 'processingJobName' failed to satisfy constraint"):
        start("sleep", "0", ProcessingJobName="under_score")
