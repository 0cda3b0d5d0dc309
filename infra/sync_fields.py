"""The fields that Step Functions accepts in the `.sync` tasks we use.

An optimized integration refuses fields that it does not know ("The field … is not supported by Step
Functions"), when the machine is created or, worse, when the state runs. So a `.sync` task uses only
what a page names; whatever else SageMaker offers goes through `aws-sdk:sagemaker`, which passes
everything on. That is why Train is not a `.sync` task: `EnableNetworkIsolation` and
`OutputDataConfig.CompressionType` are not on the page.

The page of today lists the APIs only; the lists of parameters are those of its last edition that
had them (awsdocs/aws-step-functions-developer-guide, doc_source/connect-sagemaker.md).
Fields below the first level are those of the API's page.
"""

from typing import NamedTuple


class SyncTask(NamedTuple):
    """What one resource accepts: dotted paths, `[]` for a list's members."""

    page: str
    api: str
    fields: frozenset[str]


_S3_INPUT = (
    "S3Uri",
    "LocalPath",
    "S3DataType",
    "S3InputMode",
    "S3DataDistributionType",
    "S3CompressionType",
)

SYNC_TASKS = {
    "arn:aws:states:::sagemaker:createProcessingJob.sync": SyncTask(
        page="https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html",
        api="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html",
        fields=frozenset(
            {
                "AppSpecification.ContainerArguments",
                "AppSpecification.ContainerEntrypoint",
                "AppSpecification.ImageUri",
                "Environment",
                "ExperimentConfig",
                "NetworkConfig",
                "ProcessingInputs[].InputName",
                *(f"ProcessingInputs[].S3Input.{name}" for name in _S3_INPUT),
                "ProcessingJobName",
                "ProcessingOutputConfig.KmsKeyId",
                "ProcessingOutputConfig.Outputs[].OutputName",
                "ProcessingOutputConfig.Outputs[].S3Output.LocalPath",
                "ProcessingOutputConfig.Outputs[].S3Output.S3UploadMode",
                "ProcessingOutputConfig.Outputs[].S3Output.S3Uri",
                "ProcessingResources.ClusterConfig.InstanceCount",
                "ProcessingResources.ClusterConfig.InstanceType",
                "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
                "ProcessingResources.ClusterConfig.VolumeSizeInGB",
                "RoleArn",
                "StoppingCondition.MaxRuntimeInSeconds",
                "Tags[].Key",
                "Tags[].Value",
            }
        ),
    ),
    "arn:aws:states:::states:startExecution.sync:2": SyncTask(
        page="https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html",
        api="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html",
        fields=frozenset({"Input", "Name", "StateMachineArn"}),
    ),
}
