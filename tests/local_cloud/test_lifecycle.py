"""Start, stop, restart: what is kept, and what serves again."""

import json
import os
import stat
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from dropforge.errors import CloudUnavailable
from local.cloud import LocalCloud
from tests.local_cloud.conftest import FAKE_JOBS, make_role
from tests.local_cloud.serving import invoke, settled


def test_what_is_not_running_is_said_to_be(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path)
    assert not cloud.running
    assert cloud.stop() is False
    with pytest.raises(CloudUnavailable, match="dropforge up"):
        cloud.client("s3")


def test_the_information_file_is_private(cloud: LocalCloud) -> None:
    assert stat.S_IMODE(cloud.home.cloud_json.stat().st_mode) == 0o600
    document = json.loads(cloud.home.cloud_json.read_text())
    assert set(document) == {
        "endpoint_url",
        "pid",
        "region",
        "account",
        "access_key_id",
        "secret_access_key",
    }
    assert document["endpoint_url"].startswith("http://127.0.0.1:")


def test_an_unsigned_request_is_refused(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html"""
    request = urllib.request.Request(
        cloud.info.endpoint_url,
        b"{}",
        {"X-Amz-Target": "SageMaker.ListModels", "Content-Type": "application/x-amz-json-1.1"},
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    raised.value.close()
    assert raised.value.code in (400, 403)


def test_everything_survives_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setenv("DROPFORGE_JOB_COMMAND", f"{sys.executable} {FAKE_JOBS}")
    first = LocalCloud(tmp_path, port=0)
    first.start()
    key = first.info.access_key_id
    bucket = f"b-{uuid.uuid4().hex[:8]}"
    s3, client = first.client("s3"), first.client("sagemaker")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="m/model.txt", Body=b"2")
    role = make_role(first, "r", "sagemaker.amazonaws.com", ("s3:*", "*"))
    client.create_model(
        ModelName="m",
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": "i",
            "ModelDataSource": {
                "S3DataSource": {
                    "S3Uri": f"s3://{bucket}/m/",
                    "S3DataType": "S3Prefix",
                    "CompressionType": "None",
                }
            },
        },
    )
    client.create_endpoint_config(
        EndpointConfigName="c",
        ProductionVariants=[
            {
                "VariantName": "main",
                "ModelName": "m",
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")
    client.create_experiment(ExperimentName="kept-by-moto")
    assert settled(first, "e")["EndpointStatus"] == "InService"
    pids = [int(file.read_text()) for file in first.home.endpoints.rglob("pid")]
    client.create_processing_job(
        ProcessingJobName="long",
        RoleArn=role,
        AppSpecification={"ImageUri": "i", "ContainerArguments": ["prepare", "sleep", "60"]},
        ProcessingResources={
            "ClusterConfig": {
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
                "InstanceType": "ml.m5.large",
            }
        },
    )
    assert first.stop() is True
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    second = LocalCloud(tmp_path)
    second.start()
    try:
        assert second.info.access_key_id == key
        body = second.client("s3").get_object(Bucket=bucket, Key="m/model.txt")["Body"].read()
        assert body == b"2"
        assert settled(second, "e")["EndpointStatus"] == "InService"
        assert invoke(second, "e", "4") == "8"
        job = second.client("sagemaker").describe_processing_job(ProcessingJobName="long")
        assert job["ProcessingJobStatus"] == "Failed"
        second.client("sagemaker").describe_experiment(ExperimentName="kept-by-moto")
    finally:
        second.stop()
