"""Findings of cdk-nag's AwsSolutions rules that stay, each with its reason.

The rules run in tests/infra/test_nag.py; whatever is not acknowledged here fails them.
"""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

STACK = {
    "AwsSolutions-S1": "Access is recorded by CloudTrail data events where an account wants it; a "
    "log bucket of our own would be one more thing to pay for and to remove.",
    "AwsSolutions-L1": "Python 3.13 is the version of the job image and of the locks; 3.14 comes "
    "when all of them move.",
}

BUILDER = {"AwsSolutions-CB4": "The project's only artifact is the image, which ECR encrypts."}

EVENTS = {"AwsSolutions-SQS3": "This is the dead-letter queue of the event rules."}

# These rules have a finding an entry in a policy, and each finding is acknowledged by its own name,
# in which CloudFormation's tokens are spelt out: they are matched here by pattern instead.
PATTERNS = {
    r"AwsSolutions-IAM4\[Policy::.*(AWSLambdaBasicExecutionRole|PublicReadOnly)\]": "The build "
    "construct's function and project bring their roles.",
    r"AwsSolutions-IAM5\[Action::s3:(GetObject|GetBucket|List)\*\]": "The build construct reads "
    "its source with the CDK's usual grant.",
    r"AwsSolutions-IAM5\[Resource::.*(codebuild|cdk-hnb659fds-assets).*\]": "The build "
    "construct's own log group, reports and source.",
    r"AwsSolutions-IAM5\[Resource::\*\]": "AWS has no resource for these actions "
    "(tests/infra/test_permissions.py lists them).",
    r"AwsSolutions-IAM5\[Resource::<Storage(Drops|Lake)\w+\.Arn>/.*\*\]": "Objects below a prefix.",
    r"AwsSolutions-IAM5\[Resource::<Functions\w+\.Arn>:\*\]": "Versions of one function: the "
    "CDK's task grants them.",
    r"AwsSolutions-IAM5\[Resource::arn:.*:(sagemaker|states|logs|cloudwatch):.*\]": "Jobs, models, "
    "endpoints and executions are named after projects, which are data: their ARNs are patterns.",
    r"AwsSolutions-IAM5\[Resource::arn:.*:application-autoscaling:.*:scalable-target/\*\]": "AWS "
    "numbers scalable targets itself; a condition names the service.",
}


def acknowledge(stack: Stack) -> None:
    """Record the findings that are meant to stay."""
    _acknowledge(stack, STACK)
    _acknowledge(stack.node.find_child("Events"), EVENTS)
    for child in stack.node.children:
        if child.node.id.startswith("ContainerImageBuild"):
            _acknowledge(child, BUILDER)


def _acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    for rule, reason in reasons.items():
        Validations.of(construct).acknowledge(
            Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason)
        )
