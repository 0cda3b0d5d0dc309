"""Names and shapes of integrations."""

import botocore.session
import pytest
from botocore.exceptions import ClientError

from local.integrations import known
from local.integrations.awssdk import error_name
from local.integrations.optimized import LAMBDA, SAGEMAKER


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "Operation")


@pytest.mark.parametrize(
    "code, name",
    [
        ("ResourceInUse", "SageMaker.ResourceInUseException"),
        ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("ValidationException", "SageMaker.SageMakerException"),
        ("ThrottlingException", "SageMaker.SageMakerException"),
    ],
)
def test_sdk_errors_are_named_as_the_java_sdk_names_them(code: str, name: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"""
    model = (
        botocore.session.get_session()
        .get_service_model("sagemaker")
        .operation_model("CreateTrainingJob")
    )
    assert error_name("SageMaker", failure(code), model) == name


@pytest.mark.parametrize(
    "code, name",
    [
        ("ResourceInUse", "SageMaker.ResourceInUseException"),
        ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("ThrottlingException", "SageMaker.AmazonSageMakerException"),
    ],
)
def test_optimized_sagemaker_errors(code: str, name: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html"""
    assert SAGEMAKER(failure(code)) == name


def test_optimized_lambda_errors() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html"""
    assert LAMBDA(failure("TooManyRequestsException")) == "Lambda.TooManyRequestsException"
    assert LAMBDA(failure("ServiceException")) == "Lambda.ServiceException"
    assert LAMBDA(failure("AccessDeniedException")) == "Lambda.AWSLambdaException"


@pytest.mark.parametrize(
    "resource, expected",
    [
        ("arn:aws:states:::sagemaker:createTrainingJob.sync", True),
        ("arn:aws:states:::states:startExecution.sync:2", True),
        ("arn:aws:states:::aws-sdk:sagemaker:describeEndpoint", True),
        ("arn:aws:states:::aws-sdk:quantum:leap", False),
        ("arn:aws:states:::glue:startJobRun.sync", False),
    ],
)
def test_what_is_known(resource: str, expected: bool) -> None:
    assert known(resource) is expected
