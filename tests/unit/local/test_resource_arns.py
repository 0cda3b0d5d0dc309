"""On which ARN a SageMaker call is authorised."""

import json
from typing import Any

import pytest

from local.corrections.gateway import resource_arn

BASE = "arn:aws:sagemaker:us-east-1:000000000000:"


@pytest.mark.parametrize(
    "operation, request_body, expected",
    [
        ("CreateTrainingJob", {"TrainingJobName": "Fit-1"}, BASE + "training-job/fit-1"),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": "g"}, BASE + "model-package-group/g"),
        ("CreateModelPackage", {"ModelPackageGroupName": "g"}, BASE + "model-package/g/*"),
        (
            "UpdateModelPackage",
            {"ModelPackageArn": BASE + "model-package/g/1"},
            BASE + "model-package/g/1",
        ),
        (
            "DescribeModelPackage",
            {"ModelPackageName": BASE + "model-package/g/1"},
            BASE + "model-package/g/1",
        ),
        ("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"}, BASE + "endpoint/e"),
        ("CreateEndpointConfig", {"EndpointConfigName": "c"}, BASE + "endpoint-config/c"),
        ("AddTags", {"ResourceArn": BASE + "model/m", "Tags": []}, BASE + "model/m"),
        ("ListTrainingJobs", {}, "*"),
    ],
)
def test_control_plane(operation: str, request_body: dict[str, Any], expected: str) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html"""
    assert resource_arn(operation, "/", json.dumps(request_body).encode()) == expected


def test_runtime() -> None:
    assert resource_arn("", "/endpoints/my%2De/invocations", b"1,2") == BASE + "endpoint/my-e"
