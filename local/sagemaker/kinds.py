"""Processing and training jobs: what differs between them, as data and small functions.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
from pathlib import Path
from typing import Any

from local.sagemaker.container import Container
from local.sagemaker.store import Document
from local.sagemaker.transfers import (
    TransferFailed,
    download_prefix,
    upload_archive,
    upload_folder,
)

MESSAGE_LIMIT = 1024


class Processing:
    """CreateProcessingJob."""

    kind = "processing-job"
    prefix = "ProcessingJob"
    log_group = "/aws/sagemaker/ProcessingJobs"
    event = "SageMaker Processing Job State Change"
    taken = (
        "Job name must be unique within an AWS account and region, and a job with this name "
        "already exists ({arn})"
    )
    missing = "Could not find requested job with name: {name}"

    @staticmethod
    def container(job: Document, folder: Path) -> Container:
        """The container of the job."""
        app = job["AppSpecification"]
        network = job.get("NetworkConfig") or {}
        return Container(
            folder,
            job["RoleArn"],
            app.get("ContainerEntrypoint"),
            app.get("ContainerArguments") or [],
            job.get("Environment") or {},
            bool(network.get("EnableNetworkIsolation")),
        )

    @staticmethod
    def download(job: Document, container: Container, s3: Any) -> None:
        """Downloads the inputs and writes the configuration files."""
        config = container.root / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "processingjobconfig.json").write_text(json.dumps(job))
        (config / "resourceconfig.json").write_text(
            json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]})
        )
        (container.root / "output").mkdir(exist_ok=True)
        for item in job.get("ProcessingInputs") or []:
            source = item.get("S3Input")
            if source is None:
                raise TransferFailed(
                    f"ClientError: input {item['InputName']}: only S3Input is "
                    "supported by the local cloud"
                )
            download_prefix(s3, source["S3Uri"], container.local(source["LocalPath"]))
        for output in _outputs(job):
            container.local(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)

    @staticmethod
    def upload(job: Document, container: Container, s3: Any) -> Document:
        """Uploads the outputs (all of them at the end of the job); nothing to add to it."""
        kms_key = (job.get("ProcessingOutputConfig") or {}).get("KmsKeyId")
        for output in _outputs(job):
            target = output["S3Output"]
            upload_folder(s3, container.local(target["LocalPath"]), target["S3Uri"], kms_key)
        return {}

    @staticmethod
    def failure(container: Container, code: int) -> Document:
        """FailureReason, and the message that the job left, as ExitMessage."""
        return {"FailureReason": f"AlgorithmError: , exit code: {code}"} | message(container)

    @staticmethod
    def max_runtime(job: Document) -> int | None:
        """Seconds until the job is stopped."""
        return (job.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")


class Training:
    """CreateTrainingJob."""

    kind = "training-job"
    prefix = "TrainingJob"
    log_group = "/aws/sagemaker/TrainingJobs"
    event = "SageMaker Training Job State Change"
    taken = (
        "Training job names must be unique within an AWS account and region, and a training "
        "job with this name already exists ({arn})"
    )
    missing = "Requested resource not found."

    @staticmethod
    def container(job: Document, folder: Path) -> Container:
        """The container of the job; its entry point gets the argument `train`."""
        algorithm = job["AlgorithmSpecification"]
        entrypoint = algorithm.get("ContainerEntrypoint")
        arguments = algorithm.get("ContainerArguments") or ([] if entrypoint else ["train"])
        environment = {
            "TRAINING_JOB_NAME": job["TrainingJobName"],
            "TRAINING_JOB_ARN": job["TrainingJobArn"],
        }
        return Container(
            folder,
            job["RoleArn"],
            entrypoint,
            arguments,
            environment | (job.get("Environment") or {}),
            bool(job.get("EnableNetworkIsolation")),
        )

    @staticmethod
    def download(job: Document, container: Container, s3: Any) -> None:
        """Downloads the channels and writes the configuration files."""
        config = container.root / "input" / "config"
        config.mkdir(parents=True, exist_ok=True)
        channels = job.get("InputDataConfig") or []
        documents = {
            "hyperparameters": job.get("HyperParameters") or {},
            "resourceconfig": {
                "current_host": "algo-1",
                "hosts": ["algo-1"],
                "network_interface_name": "eth0",
            },
            "inputdataconfig": {
                channel["ChannelName"]: {
                    "TrainingInputMode": channel.get("InputMode", "File"),
                    "ContentType": channel.get("ContentType"),
                    "S3DistributionType": "FullyReplicated",
                    "RecordWrapperType": "None",
                }
                for channel in channels
            },
        }
        for name, document in documents.items():
            (config / f"{name}.json").write_text(json.dumps(document))
        for channel in channels:
            source = channel["DataSource"]["S3DataSource"]
            if channel.get("InputMode", "File") != "File":
                raise TransferFailed(
                    "ClientError: only InputMode File is supported by the local cloud"
                )
            download_prefix(
                s3, source["S3Uri"], container.root / "input" / "data" / channel["ChannelName"]
            )
        for folder in ("model", "output/data", "checkpoints"):
            (container.root / folder).mkdir(parents=True, exist_ok=True)

    @staticmethod
    def upload(job: Document, container: Container, s3: Any) -> Document:
        """Uploads model and output data; returns where the model is."""
        config = job["OutputDataConfig"]
        root = f"{config['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}/output"
        parts = {"model": container.root / "model", "output": container.root / "output" / "data"}
        plain = config.get("CompressionType") == "NONE"
        for name, folder in parts.items():
            if not any(folder.iterdir()):
                continue
            if plain:
                upload_folder(s3, folder, f"{root}/{name}", config.get("KmsKeyId"))
            else:
                upload_archive(s3, folder, f"{root}/{name}.tar.gz", config.get("KmsKeyId"))
        artifacts = f"{root}/model/" if plain else f"{root}/model.tar.gz"
        return {"ModelArtifacts": {"S3ModelArtifacts": artifacts}}

    @staticmethod
    def failure(container: Container, code: int) -> Document:
        """FailureReason: the text that the job left, and the exit code."""
        file = container.root / "output" / "failure"
        text = file.read_text(errors="replace")[:MESSAGE_LIMIT] if file.exists() else ""
        return {"FailureReason": f"AlgorithmError: {text}, exit code: {code}"}

    @staticmethod
    def max_runtime(job: Document) -> int | None:
        """Seconds until the job is stopped."""
        return job["StoppingCondition"].get("MaxRuntimeInSeconds")


Kind = type[Processing] | type[Training]


def message(container: Container) -> Document:
    """ExitMessage: what a processing job wrote to /opt/ml/output/message (at most 1 KB)."""
    file = container.root / "output" / "message"
    return {"ExitMessage": file.read_text()[:MESSAGE_LIMIT]} if file.exists() else {}


def _outputs(job: Document) -> list[Document]:
    return (job.get("ProcessingOutputConfig") or {}).get("Outputs") or []
