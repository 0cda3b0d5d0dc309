"""Training jobs: channels, hyperparameters, artifacts."""

import io
import tarfile
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import LocalCloud
from tests.local_cloud.conftest import make_role, wait_for

Train = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def bucket(cloud: LocalCloud) -> str:
    name = f"train-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_object(Bucket=name, Key="snapshot/train.csv", Body=b"1\n2\n3\n")
    return name


@pytest.fixture(scope="module")
def role(cloud: LocalCloud, bucket: str) -> str:
    return make_role(
        cloud,
        f"training-{uuid.uuid4().hex[:8]}",
        "sagemaker.amazonaws.com",
        (["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"),
        ("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
    )


@pytest.fixture
def train(cloud: LocalCloud, bucket: str, role: str) -> Train:
    def run(
        output: dict[str, Any] | None = None, limit: int = 60, **parameters: str
    ) -> dict[str, Any]:
        name = f"t-{uuid.uuid4().hex[:8]}"
        client = cloud.client("sagemaker")
        client.create_training_job(
            TrainingJobName=name,
            RoleArn=role,
            HyperParameters=parameters,
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            InputDataConfig=[
                {
                    "ChannelName": "snapshot",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": f"s3://{bucket}/snapshot/",
                        }
                    },
                }
            ],
            OutputDataConfig={"S3OutputPath": f"s3://{bucket}/models"} | (output or {}),
            ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": limit},
            EnableNetworkIsolation=True,
        )

        def ended() -> Any:
            job = client.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        result: dict[str, Any] = wait_for(ended)
        return result

    return run


def test_an_uncompressed_model_is_a_prefix(cloud: LocalCloud, bucket: str, train: Train) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html"""
    job = train({"CompressionType": "NONE"}, verb="fit")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{bucket}/models/{job['TrainingJobName']}/output/model/"
    prefix = uri.removeprefix(f"s3://{bucket}/")
    s3 = cloud.client("s3")
    assert s3.get_object(Bucket=bucket, Key=prefix + "model.txt")["Body"].read() == b"3"
    assert s3.get_object(Bucket=bucket, Key=prefix + "sub/more.txt")["Body"].read() == b"more"


def test_a_compressed_model_is_an_archive(cloud: LocalCloud, bucket: str, train: Train) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelArtifacts.html"""
    uri = train(verb="fit")["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri.endswith("/output/model.tar.gz")
    key = uri.removeprefix(f"s3://{bucket}/")
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert archive.getnames() == ["model.txt", "sub", "sub/more.txt"]


def test_the_failure_file_is_the_reason(train: Train) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html"""
    job = train(verb="fail")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: nothing to learn, exit code: 3"


def test_out_of_time_keeps_the_model_written_so_far(train: Train) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html"""
    job = train(limit=1, verb="sleep", seconds="30")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["ModelArtifacts"]["S3ModelArtifacts"]
