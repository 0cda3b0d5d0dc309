"""Deploying a cloud assembly through CloudFormation."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.deploy import DeploymentFailed, deploy, publish_assets, zip_folder
from tests.local_cloud import stacks


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """What `cdk synth` writes, as far as it matters."""
    code = tmp_path / "asset.abc"
    (code / "pkg").mkdir(parents=True)
    (code / "pkg" / "app.py").write_text("def handler(event, context): return 'ran'")
    stage = uuid.uuid4().hex[:6]
    bucket = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
    template = {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Resources": {
            "Role": stacks.role("lambda.amazonaws.com"),
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": {"S3Bucket": {"Fn::Sub": bucket}, "S3Key": f"{stage}.zip"},
                    "Handler": "pkg.app.handler",
                    "Runtime": "python3.13",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                },
            },
            "Image": {
                "Type": "Custom::CDKContainerImageBuild",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                    "tagPrefix": "v1-",
                },
            },
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": f"group-{stage}"},
            },
        },
        "Outputs": {
            "Name": {"Value": {"Ref": "Function"}},
            "Tag": {"Value": {"Fn::GetAtt": ["Image", "ImageTag"]}},
        },
    }
    (tmp_path / "app.template.json").write_text(json.dumps(template))
    (tmp_path / "app.assets.json").write_text(
        json.dumps(
            {
                "files": {
                    "abc": {
                        "source": {"path": "asset.abc", "packaging": "zip"},
                        "destinations": {
                            "here": {"bucketName": bucket, "objectKey": f"{stage}.zip"}
                        },
                    }
                }
            }
        )
    )
    (tmp_path / "manifest.json").write_text(
        json.dumps(
            {
                "artifacts": {
                    "app": {
                        "type": "aws:cloudformation:stack",
                        "properties": {
                            "templateFile": "app.template.json",
                            "stackName": f"dropforge-{stage}",
                        },
                    }
                }
            }
        )
    )
    return tmp_path


def stage_of(assembly: Path) -> str:
    manifest = json.loads((assembly / "manifest.json").read_text())
    name: str = manifest["artifacts"]["app"]["properties"]["stackName"]
    return name.removeprefix("dropforge-")


def change(assembly: Path, **resources: Any) -> None:
    path = assembly / "app.template.json"
    template = json.loads(path.read_text())
    template["Resources"] |= resources
    path.write_text(json.dumps(template))


def test_assets_are_published_and_the_stack_created(cloud: LocalCloud, assembly: Path) -> None:
    """https://docs.aws.amazon.com/cdk/v2/guide/assets.html"""
    outputs = deploy(assembly, cloud, stage_of(assembly))
    answer = cloud.client("lambda").invoke(FunctionName=outputs["Name"], Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == "ran"
    assert outputs["Tag"].startswith("v1-")
    cloud.client("sagemaker").describe_model_package_group(
        ModelPackageGroupName=f"group-{stage_of(assembly)}"
    )


def test_a_second_time_nothing_is_uploaded_or_changed(cloud: LocalCloud, assembly: Path) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html"""
    first = deploy(assembly, cloud, stage_of(assembly))
    assert publish_assets(assembly, cloud) == 0
    assert deploy(assembly, cloud, stage_of(assembly)) == first


def test_a_stack_is_updated(cloud: LocalCloud, assembly: Path) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html"""
    first = deploy(assembly, cloud, stage_of(assembly))
    change(assembly, Topic={"Type": "AWS::SNS::Topic"})
    assert deploy(assembly, cloud, stage_of(assembly)) == first
    names = {
        item["LogicalResourceId"]
        for item in cloud.client("cloudformation").describe_stack_resources(
            StackName=f"dropforge-{stage_of(assembly)}"
        )["StackResources"]
    }
    assert "Topic" in names


def test_a_failure_names_resource_and_reason(cloud: LocalCloud, assembly: Path) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"""
    taken = f"taken-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=taken)
    change(assembly, Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": taken}})
    with pytest.raises(DeploymentFailed, match=r"Bucket \(AWS::S3::Bucket\): "):
        deploy(assembly, cloud, stage_of(assembly))


def test_after_a_failed_creation_it_is_created_anew(cloud: LocalCloud, assembly: Path) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"""
    taken = f"taken-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=taken)
    change(assembly, Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": taken}})
    with pytest.raises(DeploymentFailed):
        deploy(assembly, cloud, stage_of(assembly))
    change(assembly, Bucket={"Type": "AWS::S3::Bucket"})
    assert deploy(assembly, cloud, stage_of(assembly))["Name"]


def test_a_stage_that_was_not_synthesized_is_named(cloud: LocalCloud, assembly: Path) -> None:
    with pytest.raises(DeploymentFailed, match="has no stack dropforge-other; it has: dropforge-"):
        deploy(assembly, cloud, "other")


def test_zips_are_deterministic(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        for file in ("a.py", "sub/b.py"):
            (tmp_path / name / file).write_text("x = 1")
    assert zip_folder(tmp_path / "one") == zip_folder(tmp_path / "two")
