"""From a person's decision to a deployment, once and only if it is still the right comparison."""

from typing import Literal

from dropforge import names
from dropforge.ledger import ModelStatus, RegisteredModel, ShadowRequest
from dropforge.mail import Mail, late_approval_mail, refusal_mail, unfit_approval_mail
from lambdas.entry import Answer
from lambdas.executions import start_execution
from lambdas.sagemaker import find
from lambdas.sending import send_once
from lambdas.settings import ApprovalSettings

Decided = Literal["Approved", "Rejected"]


class ApprovalAnswer(Answer):
    """What became of a person's decision."""

    outcome: Literal[
        "deploying", "refused", "too late", "not fit", "not ours", "not awaited", "withdrawn"
    ]
    execution: str | None = None


def decided(settings: ApprovalSettings, package_arn: str, status: Decided) -> ApprovalAnswer:
    """Act on a decision about a package that a run left to a person.

    The registry says how it stands now: an event may come late, or again.
    """
    package = find("describe_model_package", ModelPackageName=package_arn) or {}
    project = package.get("CustomerMetadataProperties", {}).get("project")
    group = package.get("ModelPackageGroupName")
    if project is None or group != names.model_package_group(project, settings.stage):
        return ApprovalAnswer(outcome="not ours")
    if package.get("ModelApprovalStatus") != status:
        return ApprovalAnswer(outcome="withdrawn")  # decided otherwise before this event came
    model = settings.ledger.model(project, package_arn.rsplit("/", 1)[-1])
    if model is None or model.model_package_arn != package_arn:
        return ApprovalAnswer(outcome="not awaited")
    if not model.awaiting:
        return _not_awaited(settings, project, model, status)
    champion = settings.ledger.champion(project)
    current = champion.version if champion else None
    if status == "Rejected":
        why = package.get("ApprovalDescription")
        return _refuse(settings, project, model, current, why)
    if current != model.expected_champion:
        return _too_late(settings, project, model, current)
    return _deploy(settings, project, model)


def _not_awaited(
    settings: ApprovalSettings, project: str, model: RegisteredModel, status: Decided
) -> ApprovalAnswer:
    """What the pipeline decided itself, or a person before; a HOLD cannot be approved."""
    if status == "Rejected" or model.status == "Approved":
        return ApprovalAnswer(outcome="not awaited")
    letter = unfit_approval_mail(project, settings.stage, model)
    _send(settings, project, f"approval-{model.version}", letter)
    return ApprovalAnswer(outcome="not fit")


def _refuse(
    settings: ApprovalSettings,
    project: str,
    model: RegisteredModel,
    current: str | None,
    why: str | None,
) -> ApprovalAnswer:
    execution = _unshadow(settings, project, model)
    letter = refusal_mail(project, settings.stage, model, current, why)
    _send(settings, project, f"refusal-{model.version}", letter)
    _note(settings, project, model, "Rejected")
    return ApprovalAnswer(outcome="refused", execution=execution)


def _deploy(settings: ApprovalSettings, project: str, model: RegisteredModel) -> ApprovalAnswer:
    """Start, then take the model off the waiting list.

    The execution's name comes from the package: an event that comes twice, or again after a crash
    in between, finds it started.
    """
    payload = model.deployment_input(
        project, run=model.run, expected=model.expected_champion, reason="approval"
    )
    execution, _ = start_execution(settings.deployment_arn, model.approval_run(project), payload)
    _note(settings, project, model, "Approved")
    return ApprovalAnswer(outcome="deploying", execution=execution)


def _unshadow(settings: ApprovalSettings, project: str, model: RegisteredModel) -> str | None:
    """Take the refused model off the champion's requests, if it gets copies of them, or is just
    about to: then a deployment is under way.
    """
    ledger = settings.ledger
    shadow, champion = ledger.shadow(project), ledger.champion(project)
    is_shadow = shadow is not None and shadow.version == model.version
    if champion is None or not (is_shadow or ledger.lock(project, "deployment")):
        return None
    name = model.refusal_run(project)
    payload = champion.shadow_input(
        project,
        project_version=model.project_version,
        run=name,
        shadow=ShadowRequest(ask="awaited", without=model.version),
    )
    execution, _ = start_execution(settings.deployment_arn, name, payload)
    return execution


def _too_late(
    settings: ApprovalSettings, project: str, model: RegisteredModel, current: str | None
) -> ApprovalAnswer:
    letter = late_approval_mail(project, settings.stage, model, current)
    _send(settings, project, f"approval-{model.version}", letter)
    _note(settings, project, model, "Approved")
    return ApprovalAnswer(outcome="too late")


def _send(settings: ApprovalSettings, project: str, key: str, letter: Mail) -> None:
    send_once(settings.ledger, settings.topic_arn, project, key, letter)


def _note(
    settings: ApprovalSettings, project: str, model: RegisteredModel, status: ModelStatus
) -> None:
    if settings.ledger.take_pending_model(project, model.version):
        noted = model.model_copy(update={"status": status, "awaiting": False})
        settings.ledger.put_model(project, noted)
