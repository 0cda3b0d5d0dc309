"""From an approved package to a deployment, once and only if it is still the right comparison."""

import hashlib
from typing import Literal

from dropforge import names
from dropforge.errors import ChampionMoved
from dropforge.ledger import RegisteredModel
from dropforge.mail import Mail
from lambdas.entry import Answer
from lambdas.executions import start_execution
from lambdas.sagemaker import find
from lambdas.sending import send_once
from lambdas.settings import ApprovalSettings


class ApprovalAnswer(Answer):
    """What became of an approval."""

    outcome: Literal["deploying", "too late", "not ours", "not awaited", "withdrawn"]
    execution: str | None = None


def approve(settings: ApprovalSettings, package_arn: str) -> ApprovalAnswer:
    """Start the deployment of an approved package that a run left to a person."""
    package = find("describe_model_package", ModelPackageName=package_arn) or {}
    project = package.get("CustomerMetadataProperties", {}).get("project")
    group = package.get("ModelPackageGroupName")
    if project is None or group != names.model_package_group(project, settings.stage):
        return ApprovalAnswer(outcome="not ours")
    if package.get("ModelApprovalStatus") != "Approved":
        return ApprovalAnswer(outcome="withdrawn")  # decided otherwise before this event came
    model = settings.ledger.model(project, package_arn.rsplit("/", 1)[-1])
    if model is None or not model.awaiting or model.model_package_arn != package_arn:
        return ApprovalAnswer(outcome="not awaited")
    champion = settings.ledger.champion(project)
    current = champion.version if champion else None
    if current != model.expected_champion:
        return _too_late(settings, project, model, current)
    return _deploy(settings, project, model)


def _deploy(settings: ApprovalSettings, project: str, model: RegisteredModel) -> ApprovalAnswer:
    """Start, then take the model off the waiting list.

    The execution's name comes from the package: an event that comes twice, or again after a crash
    in between, finds it started.
    """
    identity = hashlib.sha256(model.model_package_arn.encode()).hexdigest()
    name = names.run_name(project, "approval", identity, 1)
    payload = model.deployment_input(
        project, run=model.run, expected=model.expected_champion, reason="approval"
    )
    execution, _ = start_execution(settings.deployment_arn, name, payload)
    _decided(settings, project, model)
    return ApprovalAnswer(outcome="deploying", execution=execution)


def _too_late(
    settings: ApprovalSettings, project: str, model: RegisteredModel, current: str | None
) -> ApprovalAnswer:
    moved = ChampionMoved(
        f"Version {model.version} of {project} was compared against "
        f"{_spoken(model.expected_champion)}, but {_spoken(current)} is in production now. "
        "The approval deployed nothing.",
        next_command=f"dropforge train {project}",
    )
    letter = Mail(
        event="approvals",
        subject=f"[{project}/{settings.stage}] NOT DEPLOYED: v{model.version} approved too late",
        body=f"NOT DEPLOYED: {moved.message}\n\nTo judge a new model against the one in "
        f"production:\n  {moved.next_command}\n",
    )
    key = f"approval-{model.version}"
    send_once(settings.ledger, settings.topic_arn, project, key, letter)
    _decided(settings, project, model)
    return ApprovalAnswer(outcome="too late")


def _decided(settings: ApprovalSettings, project: str, model: RegisteredModel) -> None:
    if settings.ledger.take_pending_model(project, model.version):
        decided = model.model_copy(update={"status": "Approved", "awaiting": False})
        settings.ledger.put_model(project, decided)


def _spoken(version: str | None) -> str:
    return f"v{version}" if version else "no model"
