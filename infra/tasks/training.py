"""A SageMaker Training job, started and looked after.

Not a `.sync` task: that refuses fields which it does not know, and neither network isolation nor
an uncompressed artifact is among the documented ones (`infra/sync_fields.py`).
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.naming import job_arns
from infra.permissions import pass_role
from infra.tasks.common import catch, growing_wait, jsonata
from infra.tasks.processing import JobDefaults, job_name
from infra.tasks.sagemaker import SageMakerCall

STEP = "train"
_PERMISSIONS = {
    "createTrainingJob": ("sagemaker:CreateTrainingJob", "sagemaker:AddTags"),
    "describeTrainingJob": ("sagemaker:DescribeTrainingJob",),
}


class TrainingJob(Construct):
    """States `Train`, `WaitForTraining`, `DescribeTraining`, `TrainingDone`, `TrainingFailed`.

    Enter at `start`. The finished job is left in `$training`: `name` and `artifact` (the S3 prefix
    of the uncompressed model).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        defaults: JobDefaults,
        training_role: iam.Role,
        hyperparameters: Mapping[str, str],
        snapshot_uri: str,
        output_uri: str,
        max_runtime: Duration,
        on_failure: sfn.IChainable,
        then: sfn.IChainable,
    ) -> None:
        super().__init__(scope, id)
        self._defaults = defaults
        self._on_failure = on_failure
        request = {
            "TrainingJobName": job_name(STEP),
            "RoleArn": training_role.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": defaults.image_uri,
                "TrainingInputMode": "File",
            },
            "HyperParameters": dict(hyperparameters),
            # The lineage names it: its tag is the hash of the code and the lock.
            "Environment": {"DROPFORGE_IMAGE": defaults.image_uri},
            "InputDataConfig": [
                {
                    "ChannelName": "snapshot",
                    "InputMode": "File",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": snapshot_uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
            "OutputDataConfig": {
                "S3OutputPath": output_uri,
                "KmsKeyId": defaults.output_key_arn,
                "CompressionType": "NONE",
            },
            "ResourceConfig": {
                "InstanceCount": 1,
                "InstanceType": jsonata("$trainingTypes[$shortages % $count($trainingTypes)]"),
                "VolumeSizeInGB": defaults.volume_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime.to_seconds()},
            "EnableNetworkIsolation": True,
            "Tags": [{"Key": "dropforge:project", "Value": jsonata("$project")}],
        }
        self.start = self._call(
            "Train",
            "createTrainingJob",
            request,
            {
                "polls": 0,
                "training": {
                    "name": jsonata("$split($states.result.TrainingJobArn, '/')[-1]"),
                },
            },
        )
        self._look_after(then)
        pass_role(defaults.machine_role, training_role)

    def _look_after(self, then: sfn.IChainable) -> None:
        wait = sfn.Wait.jsonata(
            self,
            "WaitForTraining",
            time=sfn.WaitTime.seconds(growing_wait("$polls")),
            assign={"polls": jsonata("$polls + 1")},
            outputs={},
        )
        describe = self._call(
            "DescribeTraining",
            "describeTrainingJob",
            {"TrainingJobName": jsonata("$training.name")},
            {"training": _TRAINING},
        )
        failed = sfn.Pass.jsonata(
            self,
            "TrainingFailed",
            comment="The same words as a `.sync` task would leave behind",
            assign={
                "failure": {
                    "step": "Train",
                    "error": "States.TaskFailed",
                    "cause": jsonata(
                        "$string({'TrainingJobName': $training.name, "
                        "'TrainingJobStatus': $training.status, "
                        "'FailureReason': $training.reason})"
                    ),
                    "attempt": jsonata("$shortages + 1"),
                }
            },
            outputs={},
        )
        done = sfn.Choice.jsonata(self, "TrainingDone")
        self.start.next(wait)
        wait.next(describe)
        describe.next(done)
        failed.next(self._on_failure)
        done.when(
            sfn.Condition.jsonata(jsonata("$training.status = 'Completed'")),
            then,
            assign={"shortages": 0},
        )
        ended = jsonata("$training.status in ['Failed', 'Stopped']")
        done.when(sfn.Condition.jsonata(ended), failed)
        done.otherwise(wait)

    def _call(
        self, id: str, action: str, request: Mapping[str, Any], assign: Mapping[str, Any]
    ) -> SageMakerCall:
        call = SageMakerCall(
            self,
            id,
            action=action,
            arguments=request,
            machine_role=self._defaults.machine_role,
            permissions=_PERMISSIONS[action],
            resources=[job_arns(Stack.of(self), "training-job", STEP)],
            assign=assign,
        )
        catch(call, self._on_failure)
        return call


_RESULT = "$states.result"
_TRAINING = {
    "name": jsonata(f"{_RESULT}.TrainingJobName"),
    "status": jsonata(f"{_RESULT}.TrainingJobStatus"),
    "artifact": jsonata(
        f"$exists({_RESULT}.ModelArtifacts.S3ModelArtifacts) ? "
        f"{_RESULT}.ModelArtifacts.S3ModelArtifacts : ''"
    ),
    # A job that hit its time limit is Stopped, and says so in its secondary status alone.
    "reason": jsonata(
        f"$exists({_RESULT}.FailureReason) ? {_RESULT}.FailureReason : "
        f"$exists({_RESULT}.SecondaryStatus) ? {_RESULT}.SecondaryStatus : ''"
    ),
}
