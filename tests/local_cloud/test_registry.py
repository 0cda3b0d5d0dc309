"""The model registry."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import make_event_queue, wait_for


@pytest.fixture
def group(cloud: LocalCloud) -> str:
    name = f"group-{uuid.uuid4().hex[:8]}"
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return name


def package(cloud: LocalCloud, group: str) -> str:
    arn: str = cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        CustomerMetadataProperties={"run": "r1", "verdict": "HOLD"},
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "image",
                    "ModelDataSource": {
                        "S3DataSource": {
                            "S3Uri": "s3://b/m/",
                            "S3DataType": "S3Prefix",
                            "CompressionType": "None",
                        }
                    },
                }
            ]
        },
    )["ModelPackageArn"]
    return arn


def test_versions_count_up_and_are_not_reused(cloud: LocalCloud, group: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-version.html"""
    client = cloud.client("sagemaker")
    first, second = package(cloud, group), package(cloud, group)
    assert (first[-2:], second[-2:]) == ("/1", "/2")
    client.delete_model_package(ModelPackageName=second)
    assert package(cloud, group).endswith("/3")
    listed = client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [item["ModelPackageVersion"] for item in listed] == [3, 1]


def test_an_update_keeps_what_it_does_not_name(cloud: LocalCloud, group: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html"""
    client = cloud.client("sagemaker")
    arn = package(cloud, group)
    assert (
        client.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]
        == "PendingManualApproval"
    )
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"by": "ann"},
        CustomerMetadataPropertiesToRemove=["verdict"],
    )
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["ModelApprovalStatus"] == "Approved"
    assert found["CustomerMetadataProperties"] == {"run": "r1", "by": "ann"}
    source = found["InferenceSpecification"]["Containers"][0]["ModelDataSource"]
    assert source["S3DataSource"]["S3Uri"] == "s3://b/m/"


def test_a_group_with_packages_stays(cloud: LocalCloud, group: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteModelPackageGroup.html"""
    arn = package(cloud, group)
    client = cloud.client("sagemaker")
    with pytest.raises(ClientError, match="ConflictException"):
        client.delete_model_package_group(ModelPackageGroupName=group)
    client.delete_model_package(ModelPackageName=arn)
    client.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_model_package_group(ModelPackageGroupName=group)


def test_a_group_that_is_there_already_is_said_so(cloud: LocalCloud, group: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html"""
    with pytest.raises(ClientError, match="already exists") as caught:
        cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_an_approval_is_an_event(cloud: LocalCloud, group: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue, arn = make_event_queue(cloud, f"q-{group}")
    events.put_rule(
        Name=group,
        EventPattern=json.dumps(
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
            }
        ),
    )
    events.put_targets(Rule=group, Targets=[{"Id": "1", "Arn": arn}])
    package_arn = package(cloud, group)
    cloud.client("sagemaker").update_model_package(
        ModelPackageArn=package_arn, ModelApprovalStatus="Approved"
    )
    messages = wait_for(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    event = json.loads(messages[0]["Body"])
    assert event["detail"]["ModelPackageArn"] == package_arn
    assert event["resources"] == [package_arn]


def test_what_we_do_not_have_moto_answers(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateExperiment.html"""
    client = cloud.client("sagemaker")
    arn = client.create_experiment(ExperimentName="exp")["ExperimentArn"]
    assert arn.startswith("arn:aws:sagemaker:us-east-1:000000000000:experiment/exp")
    assert client.describe_experiment(ExperimentName="exp")["ExperimentArn"] == arn
