"""Requests against botocore's model of SageMaker."""

from typing import Any

import pytest

from local.sagemaker.errors import Invalid
from local.sagemaker.validation import check

MODEL: dict[str, Any] = {"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::000000000000:role/r"}


def test_a_good_request_passes() -> None:
    check("CreateModel", MODEL | {"PrimaryContainer": {"Image": "i", "Environment": {"A": "b"}}})


@pytest.mark.parametrize(
    "change, problem",
    [
        (
            {"ModelName": None},
            "Value null at 'modelName' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"ModelName": "a_b"},
            "Value 'a_b' at 'modelName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern",
        ),
        ({"ModelName": "m" * 64}, "Member must have length less than or equal to 63"),
        (
            {"PrimaryContainer": {"Mode": "Both"}},
            "'primaryContainer.mode' failed to satisfy "
            "constraint: Member must satisfy enum value set",
        ),
        ({"EnableNetworkIsolation": "yes"}, "Member must be of type boolean"),
        ({"PrimaryContainer": {"Environment": {"1A": "b"}}}, "primaryContainer.environment.key"),
    ],
)
def test_a_bad_request_is_refused_in_the_services_words(
    change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match="1 validation error detected: ") as raised:
        check("CreateModel", MODEL | change)
    assert problem in raised.value.message


def test_numbers_have_bounds() -> None:
    resources = {
        "ClusterConfig": {"InstanceCount": 0, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    }
    with pytest.raises(Invalid, match="greater than or equal to 1"):
        check(
            "CreateProcessingJob",
            {
                "ProcessingJobName": "p",
                "RoleArn": MODEL["ExecutionRoleArn"],
                "AppSpecification": {"ImageUri": "i"},
                "ProcessingResources": resources,
            },
        )


def test_tags_may_have_any_letters() -> None:
    check(
        "AddTags",
        {
            "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m",
            "Tags": [{"Key": "プロジェクト", "Value": "été 1"}],
        },
    )
