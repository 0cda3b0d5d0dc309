"""Register once: the package, the ledger's note of it, the run's document, the training settled.

Every step can be repeated: a retry finds the run's package and goes on from there.
"""

import datetime as dt
from dataclasses import dataclass

from dropforge import layout
from dropforge.aws.documents import find_document, read_document, write_document
from dropforge.aws.ledger import Ledger
from dropforge.aws.projects import fetch_project
from dropforge.drops import PrepareResult
from dropforge.errors import ArtifactBroken
from dropforge.evaluation import Evaluation
from dropforge.ledger import ModelStatus, RegisteredModel
from dropforge.project import ProjectSpec
from dropforge.runs import Registration
from dropforge.verdict import Verdict
from lambdas.entry import Answer, Request
from lambdas.register.lineage import snapshot_hash
from lambdas.register.manifest import Manifest, write_manifest
from lambdas.register.package import PackageFacts, ensure_group, ensure_package
from lambdas.settings import RegisterSettings


class RegisterRequest(Request):
    """A judged model."""

    project: str
    project_version: str
    run: str
    artifact_uri: str
    verdict_uri: str
    evaluation_uri: str
    training_job: str
    round: int


class RegisterAnswer(Answer):
    """The package, and whether the run deploys it, or lets it shadow the champion."""

    model_package_arn: str
    version: str
    status: ModelStatus
    deploy: bool
    expected_champion: str | None = None
    shadow: bool = False


@dataclass(frozen=True)
class Judged:
    """The documents a registration is made from."""

    spec: ProjectSpec
    evaluation: Evaluation
    verdict: Verdict
    prepared: PrepareResult


def register(settings: RegisterSettings, request: RegisterRequest) -> RegisterAnswer:
    """Register a judged model; a repetition answers what the first call answered."""
    lake, ledger = settings.lake_bucket, settings.ledger
    place = layout.registration(lake, request.project, request.run)
    registration = find_document(place, Registration)
    judged = _read(lake, request)
    if registration is None:
        registration = _register(settings, request, judged)
        write_document(place, registration)
    # Only now, with the verdict on record, is the training done with; later rows stay due.
    if judged.prepared.snapshot is not None:
        ledger.clear_training(request.project, judged.prepared.snapshot.lake_version)
    return RegisterAnswer.model_validate(
        registration.model_dump(include=set(RegisterAnswer.model_fields))
    )


def approval_status(spec: ProjectSpec, verdict: Verdict) -> ModelStatus:
    """What the registry says of a verdict."""
    if verdict.verdict != "PROMOTE":
        return "Rejected"
    return "Approved" if spec.approval == "auto" else "PendingManualApproval"


def _register(settings: RegisterSettings, request: RegisterRequest, judged: Judged) -> Registration:
    status = approval_status(judged.spec, judged.verdict)
    expected = _expected_champion(settings.ledger, request.project, judged.evaluation)
    group = ensure_group(request.project, settings.stage)
    manifest_uri, manifest = write_manifest(
        settings.lake_bucket, request.project, request.run, request.artifact_uri
    )
    facts = PackageFacts(
        project=request.project,
        project_version=request.project_version,
        run=request.run,
        stage=settings.stage,
        training_job=request.training_job,
        artifact_uri=request.artifact_uri,
        evaluation_uri=request.evaluation_uri,
        manifest_uri=manifest_uri,
        baseline_uri=_file(manifest, "baseline.json"),
        model_sha256=manifest.sha256("model.txt"),
        snapshot_sha256=snapshot_hash(request.artifact_uri),
        image_uri=settings.image_uri,
        status=status,
        expected_champion=expected,
    )
    arn = ensure_package(group, facts, judged.evaluation, judged.verdict, judged.prepared)
    registration = Registration(
        project=request.project,
        run=request.run,
        version=arn.rsplit("/", 1)[-1],
        model_package_arn=arn,
        status=status,
        deploy=status == "Approved",
        expected_champion=expected,
        approvers=judged.spec.notify.approvals,
        shadow=_shadows(settings.ledger, judged.spec, status),
    )
    _note(settings.ledger, request, registration, judged.verdict)
    return registration


def _shadows(ledger: Ledger, spec: ProjectSpec, status: ModelStatus) -> bool:
    """Whether the model gets copies of requests while it waits: somebody must get them first."""
    waits = spec.shadow is not None and status == "PendingManualApproval"
    return waits and ledger.champion(spec.name) is not None


def _file(manifest: Manifest, name: str) -> str | None:
    return f"{manifest.artifact_uri}{name}" if manifest.sha256(name) else None


def _note(
    ledger: Ledger, request: RegisterRequest, registration: Registration, verdict: Verdict
) -> None:
    if ledger.model(request.project, registration.version) is not None:
        return  # an earlier attempt noted it, and a person may have decided since
    ledger.put_model(
        request.project,
        RegisteredModel(
            version=registration.version,
            model_package_arn=registration.model_package_arn,
            artifact_uri=request.artifact_uri,
            run=request.run,
            project_version=request.project_version,
            verdict=verdict.verdict,
            status=registration.status,
            awaiting=registration.status == "PendingManualApproval",
            expected_champion=registration.expected_champion,
            registered_at=dt.datetime.now(dt.UTC),
        ),
    )


def _expected_champion(ledger: Ledger, project: str, evaluation: Evaluation) -> str | None:
    """The champion the challenger was compared against: it must still be that to be replaced."""
    if evaluation.champion is not None:
        return evaluation.champion.version
    if evaluation.champion_problem is None:
        return None
    champion = ledger.champion(project)  # one there is, but it could not be loaded
    return champion.version if champion else None


def _read(lake: str, request: RegisterRequest) -> Judged:
    verdict = read_document(request.verdict_uri, Verdict)
    evaluation = read_document(request.evaluation_uri, Evaluation)
    if evaluation.run != request.run or verdict.run != request.run:
        raise ArtifactBroken(
            f"Asked to register the model of run {request.run}, but the documents are of run "
            f"{evaluation.run} (evaluation) and {verdict.run} (verdict). Nothing was registered.",
            next_command=f"dropforge train {request.project}",
        )
    uri = layout.prepare_result(lake, request.project, request.run, request.round)
    return Judged(
        spec=fetch_project(lake, request.project, request.project_version),
        evaluation=evaluation,
        verdict=verdict,
        prepared=read_document(uri, PrepareResult),
    )
