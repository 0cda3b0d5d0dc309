"""What people are told of decisions that are theirs: how to take one, and why one did nothing."""

from dropforge import names
from dropforge.errors import ChampionMoved
from dropforge.ledger import RegisteredModel
from dropforge.mail.shadow import shadow_lines
from dropforge.mail.text import Mail, join, one_line, subject
from dropforge.runs import Registration, RunStory


def awaits_approval(story: RunStory) -> bool:
    """Whether a person must decide before the run's model is deployed."""
    return story.registration is not None and story.registration.status == "PendingManualApproval"


def approval_lines(story: RunStory) -> list[list[str]]:
    """Who decides, how, and what happens then; nothing if nobody must."""
    made = story.registration
    if made is None or not awaits_approval(story):
        return []
    return [_who(made), _how(story, made), shadow_lines(story), _then(made)]


def _who(made: Registration) -> list[str]:
    if made.approvers:
        return [f"Who decides: {', '.join(made.approvers)} (approvals in project.yml)."]
    return ["Who decides: anybody who may; project.yml names nobody under notify: approvals."]


def _how(story: RunStory, made: Registration) -> list[str]:
    """The registry's pages are in Studio, which has no address of a package's own
    (https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html)."""
    region, group = story.region, names.model_package_group(story.project, story.stage)
    return [
        "To approve and deploy it, or to refuse it:",
        f"  dropforge approve {story.project} {made.version} --stage {story.stage}",
        f"  dropforge reject {story.project} {made.version} --stage {story.stage}",
        "Or, without this program (Rejected refuses it):",
        "  aws sagemaker update-model-package --model-approval-status Approved \\",
        f"    --region {region} --model-package-arn {made.model_package_arn}",
        "Or in the console:",
        f"  https://{region}.console.aws.amazon.com/sagemaker/home?region={region}#/studio-landing",
        f"  Open Studio, then Models, Registered models, {group}, version {made.version}.",
    ]


def _then(made: Registration) -> list[str]:
    champion = made.expected_champion
    still = (
        f"v{champion}, which it was compared with, is still in production"
        if champion
        else "there is still no model in production"
    )
    return [
        "Until then nothing changes, and there is no deadline. Approved, it is deployed and",
        f"tested, if {still}. If not, nothing",
        "is deployed and a mail says so.",
    ]


def late_approval_mail(
    project: str, stage: str, model: RegisteredModel, current: str | None
) -> Mail:
    """An approval that came after the champion had changed. `current` is the champion's version."""
    moved = ChampionMoved(
        f"Version {model.version} of {project} was compared against "
        f"{_spoken(model.expected_champion)}, but {_spoken(current)} is in production now. "
        "The approval deployed nothing.",
        next_command=f"dropforge train {project}",
    )
    return Mail(
        event="approvals",
        subject=subject(f"[{project}/{stage}] NOT DEPLOYED: v{model.version} approved too late"),
        body=join(
            [
                [f"NOT DEPLOYED: {moved.message}"],
                [
                    "To judge a new model against the one in production:",
                    f"  {moved.next_command}",
                ],
            ],
            stage,
        ),
    )


def unfit_approval_mail(project: str, stage: str, model: RegisteredModel) -> Mail:
    """An approval in the registry of a model that was held, rejected or refused."""
    return Mail(
        event="approvals",
        subject=subject(f"[{project}/{stage}] NOT DEPLOYED: v{model.version} awaits no approval"),
        body=join(
            [
                [
                    f"NOT DEPLOYED: version {model.version} of {project} was approved in the "
                    f"registry, but it awaits no approval ({model.standing(None)}).",
                    "Only a model that won by the project's rules is deployed. Nothing changed.",
                ],
                [
                    "To see why, or to judge a new model:",
                    f"  dropforge model show {project} {model.version} --stage {stage}",
                    f"  dropforge train {project} --stage {stage}",
                ],
            ],
            stage,
        ),
    )


def refusal_mail(
    project: str, stage: str, model: RegisteredModel, current: str | None, note: str | None
) -> Mail:
    """A person's refusal, for those who waited for the model. `note` is what the registry keeps."""
    stays = f"v{current} stays in production" if current else "no model is in production"
    return Mail(
        event="results",
        subject=subject(f"[{project}/{stage}] REFUSED v{model.version}: {stays}"),
        body=join(
            [
                [
                    f"REFUSED: a person refused version {model.version} of {project}, which had "
                    f"won by the project's rules. Nothing was deployed: {stays}.",
                    *([f"Note in the registry: {one_line(note)}"] if note else []),
                ],
                [
                    "To see the model, or to judge a new one:",
                    f"  dropforge model show {project} {model.version} --stage {stage}",
                    f"  dropforge train {project} --stage {stage}",
                ],
            ],
            stage,
        ),
    )


def _spoken(version: str | None) -> str:
    return f"v{version}" if version else "no model"
