"""A SageMaker Processing job, waited for: the CDK has no such task (aws-cdk#9537)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.naming import job_arns
from infra.permissions import allow, pass_role
from infra.tasks.common import SAGEMAKER_TRANSIENT, SLACK, catch, jsonata, retry

MAX_VOLUME_GB = 16_384
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html"""

_EVENTS_RULE = "StepFunctionsGetEventsForSageMakerProcessingJobsRule"


@dataclass(frozen=True, kw_only=True)
class JobDefaults:
    """What all jobs of the pipeline share."""

    machine_role: iam.Role
    job_role: iam.Role
    image_uri: str
    environment: Mapping[str, str]
    volume_gb: int
    output_key_arn: str


def s3_input(name: str, uri: str) -> dict[str, Any]:
    """An S3 prefix downloaded to `/opt/ml/processing/input/<name>`."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def s3_output(name: str, uri: str) -> dict[str, Any]:
    """`/opt/ml/processing/output/<name>` uploaded when the job ends."""
    return {
        "OutputName": name,
        "S3Output": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/output/{name}",
            "S3UploadMode": "EndOfJob",
        },
    }


def job_name(step: str) -> str:
    """`<run>-<step>-<round>-<shortage>-<retry>-<redrive>`, at most 63 characters.

    Names are never reused: a retry, the next instance type and a redrive each make a new one.
    """
    redrive = (
        "($exists($states.context.Execution.RedriveCount) ? "
        "$states.context.Execution.RedriveCount : 0)"
    )
    return jsonata(
        f"$jobPrefix & '-{step}-' & $string($round) & '-' & $string($shortages) & '-' & "
        f"$string($states.context.State.RetryCount) & '-' & $string({redrive})"
    )


class ProcessingJob(sfn.CustomState):
    """`python -m sagemaker_jobs <step>` in the job image; fails as States.TaskFailed.

    `more_disk` is an expression: gigabytes beyond the disk that every job has.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        step: str,
        defaults: JobDefaults,
        arguments: str | Sequence[str],
        max_runtime: Duration,
        on_failure: sfn.IChainable,
        inputs: str | Sequence[Mapping[str, Any]] = (),
        outputs: Sequence[Mapping[str, Any]] = (),
        more_disk: str = "0",
    ) -> None:
        request: dict[str, Any] = {
            "ProcessingJobName": job_name(step),
            "RoleArn": defaults.job_role.role_arn,
            "AppSpecification": {
                "ImageUri": defaults.image_uri,
                "ContainerEntrypoint": ["python", "-m", "sagemaker_jobs", step],
                "ContainerArguments": arguments,
            },
            "Environment": dict(defaults.environment),
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": jsonata(
                        "$processingTypes[$shortages % $count($processingTypes)]"
                    ),
                    "VolumeSizeInGB": jsonata(
                        f"$min([{defaults.volume_gb} + {more_disk}, {MAX_VOLUME_GB}])"
                    ),
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime.to_seconds()},
            "Tags": [{"Key": "dropforge:project", "Value": jsonata("$project")}],
        }
        if inputs:
            request["ProcessingInputs"] = inputs
        if outputs:
            request["ProcessingOutputConfig"] = {
                "KmsKeyId": defaults.output_key_arn,
                "Outputs": outputs,
            }
        super().__init__(
            scope,
            id,
            state_json={
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
                "Arguments": request,
                "TimeoutSeconds": max_runtime.plus(SLACK).to_seconds(),
                "Assign": {"shortages": 0},
                "Output": {},
            },
        )
        retry(self, SAGEMAKER_TRANSIENT, Duration.seconds(5))
        catch(self, on_failure)
        self._permit(step, defaults)

    def _permit(self, step: str, defaults: JobDefaults) -> None:
        stack = Stack.of(self)
        allow(
            defaults.machine_role,
            [
                "sagemaker:AddTags",
                "sagemaker:CreateProcessingJob",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:StopProcessingJob",
            ],
            [job_arns(stack, "processing-job", step)],
        )
        pass_role(defaults.machine_role, defaults.job_role)
        # `.sync` learns of the job's end through a rule that Step Functions manages
        # (https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html).
        allow(
            defaults.machine_role,
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [stack.format_arn(service="events", resource="rule", resource_name=_EVENTS_RULE)],
        )
