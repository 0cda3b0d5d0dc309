"""The model package: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html.

Its `Bias` and `Explainability` reports are Clarify's, whose form ours does not have: they are left
out, and the report that people read is named in the metadata.
"""

import hashlib
import re
from typing import Any

from botocore.exceptions import ClientError

from dropforge import names
from dropforge.aws.clients import client
from dropforge.drops import Document, PrepareResult
from dropforge.evaluation import Evaluation
from dropforge.ledger import ModelStatus
from dropforge.verdict import Verdict
from lambdas.sagemaker import find, is_present

CONTENT_TYPES = ["text/csv", "application/json", "application/jsonlines"]
METADATA_LIMIT = 50
VALUE_LIMIT = 256
_NOT_METADATA = re.compile(r"[^\w .:/=+\-@]")
_RECENT = 5
REGISTERED_AS: dict[tuple[str, ModelStatus], str] = {
    ("PROMOTE", "Approved"): "deployed by the run",
    ("PROMOTE", "PendingManualApproval"): "awaits approval",
    ("HOLD", "Rejected"): "held - the champion was kept",
    ("REJECT", "Rejected"): "rejected by a rule",
}
"""What was decided at registration: the registry's status cannot tell a HOLD from a REJECT."""


class PackageFacts(Document):
    """What a package says besides the documents it points to."""

    project: str
    project_version: str
    run: str
    stage: str
    training_job: str
    artifact_uri: str
    evaluation_uri: str
    manifest_uri: str
    baseline_uri: str | None
    model_sha256: str | None
    snapshot_sha256: str | None
    image_uri: str
    status: ModelStatus
    expected_champion: str | None


def ensure_group(project: str, stage: str) -> str:
    """The project's model package group, made when the first model is registered; its name."""
    name = names.model_package_group(project, stage)
    if find("describe_model_package_group", ModelPackageGroupName=name) is not None:
        return name
    try:
        client("sagemaker").create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription=f"Models of the project {project} ({stage})",
            Tags=tags(project, stage),
        )
    except ClientError as error:
        if not is_present(error):
            raise
    return name


def ensure_package(
    group: str,
    facts: PackageFacts,
    evaluation: Evaluation,
    verdict: Verdict,
    prepared: PrepareResult,
) -> str:
    """The run's model package, made unless an earlier attempt made it; its ARN."""
    if existing := _package_of_run(group, facts.run):
        return existing
    request = package_request(group, facts, metadata(facts, evaluation, verdict, prepared))
    arn: str = client("sagemaker").create_model_package(**request)["ModelPackageArn"]
    return arn


def package_request(group: str, facts: PackageFacts, about: dict[str, str]) -> dict[str, Any]:
    """The CreateModelPackage request."""
    baseline = {"ModelDataQuality": _statistics(facts.baseline_uri)} if facts.baseline_uri else {}
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": _description(facts, about),
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": facts.image_uri,
                    "ModelDataSource": model_data_source(facts.artifact_uri),
                }
            ],
            "SupportedContentTypes": CONTENT_TYPES,
            "SupportedResponseMIMETypes": CONTENT_TYPES,
        },
        "ModelMetrics": {"ModelQuality": _statistics(facts.evaluation_uri)} | baseline,
        **({"DriftCheckBaselines": baseline} if baseline else {}),
        "ModelApprovalStatus": facts.status,
        "CustomerMetadataProperties": about,
        # Two attempts of one run are one package, even when the first one's answer was lost.
        "ClientToken": hashlib.sha256(f"{group}/{facts.run}".encode()).hexdigest()[:36],
    }


def model_data_source(artifact_uri: str) -> dict[str, Any]:
    """An uncompressed artifact; SageMaker wants the prefix with its final slash."""
    return {
        "S3DataSource": {
            "S3Uri": artifact_uri.rstrip("/") + "/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
        }
    }


def metadata(
    facts: PackageFacts, evaluation: Evaluation, verdict: Verdict, prepared: PrepareResult
) -> dict[str, str]:
    """What people and later runs read off a package: at most 50 keys, 256 characters a value."""
    about: dict[str, str | None] = {
        "project": facts.project,
        "project_version": facts.project_version,
        "run": facts.run,
        "stage": facts.stage,
        "training_job": facts.training_job,
        "lake_version": str(prepared.snapshot.lake_version) if prepared.snapshot else None,
        "snapshot_sha256": facts.snapshot_sha256,
        "model_sha256": facts.model_sha256,
        "verdict": verdict.verdict,
        "registered_as": REGISTERED_AS[verdict.verdict, facts.status],
        "headline": verdict.headline,
        "compared_with": facts.expected_champion,
        "holdout_period": evaluation.holdout.period,
        "holdout_rows": str(evaluation.holdout.rows),
        "holdout_positives": _figure(evaluation.holdout.positives),
        "holdout_judged_before": str(evaluation.holdout.judged_before),
        "task": evaluation.task,
        "metric": evaluation.metric,
        "refit": evaluation.refit,
        "reference": evaluation.reference.version if evaluation.reference else None,
        "threshold": _figure(evaluation.challenger.threshold),
        "flagged": _figure(evaluation.challenger.flagged),
        "artifact": facts.artifact_uri,
        "evaluation": facts.evaluation_uri,
        "report": evaluation.report_uri,
        "manifest": facts.manifest_uri,
    }
    for metric, interval in evaluation.challenger.metrics.items():
        about[f"metric.{metric}"] = f"{interval.value:.6f}"
    kept = {key: _value(text) for key, text in about.items() if text}
    return dict(list(kept.items())[:METADATA_LIMIT])


def tags(project: str, stage: str) -> list[dict[str, str]]:
    """The tags of what the functions make."""
    return [
        {"Key": "dropforge:project", "Value": project},
        {"Key": "dropforge:stage", "Value": stage},
    ]


def _statistics(uri: str) -> dict[str, Any]:
    return {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}


def _description(facts: PackageFacts, about: dict[str, str]) -> str:
    """What the registry's list shows: a HOLD is `Rejected` there, as a REJECT is."""
    text = f"{about['verdict']}: {about['headline']} ({facts.project}, run {facts.run})"
    return " ".join(text.split())


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"


def _value(text: str) -> str:
    """A text in the characters that metadata may have, cut to their number."""
    return _NOT_METADATA.sub(" ", text)[:VALUE_LIMIT]


def _package_of_run(group: str, run: str) -> str | None:
    """The package of a run among the group's newest."""
    sagemaker = client("sagemaker")
    recent = sagemaker.list_model_packages(
        ModelPackageGroupName=group,
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=_RECENT,
    )["ModelPackageSummaryList"]
    for summary in recent:
        arn: str = summary["ModelPackageArn"]
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        if described.get("CustomerMetadataProperties", {}).get("run") == run:
            return arn
    return None
