"""The mail of a deployment that a person asked for: an approval, a rollback."""

from dropforge.mail.text import Mail, join, subject, took
from dropforge.runs import RunStory

REASONS = {
    "approval": "approved by a person",
    "rollback": "a person went back to it",
}


def deployed_mail(story: RunStory, reason: str) -> Mail:
    """What is in production now, why, and how to undo it. `reason` is the deployment's."""
    deployment, project = story.deployment, story.project
    why = REASONS.get(reason, "asked for by hand")
    if deployment is None:
        lines = [f"DEPLOYED: the deployment {story.run} succeeded ({why})."]
        return _mail(story, f"DEPLOYED: {why}", [lines])
    where = (
        f"answers at the endpoint {deployment.endpoint}"
        if deployment.endpoint
        else ("is the model in production (batch only)")
    )
    if deployment.action == "unchanged":
        where = f"answered at the endpoint {deployment.endpoint} already, with these settings"
        lines = [f"NOTHING TO DO: v{deployment.version} {where}: {why}."]
    else:
        lines = [f"DEPLOYED: v{deployment.version} {where} now: {why}."]
    if deployment.smoke_checks:
        lines.append(f"Its smoke test passed {deployment.smoke_checks} checks.")
    last = [f"Took {took(story)}. Deployment {story.run}."]
    undo = [f"Undo: dropforge rollback {project} --to {deployment.previous}"]
    parts = [lines, last, deployment_notes(story), undo if deployment.previous else []]
    done = "UNCHANGED" if deployment.action == "unchanged" else "DEPLOYED"
    return _mail(story, f"{done} v{deployment.version}: {why}", parts)


def deployment_notes(story: RunStory) -> list[str]:
    """What is odd about the endpoint; that the registry still shows another champion."""
    deployment = story.deployment
    if deployment is None:
        return []
    if deployment.alias_problem is None:
        return deployment.notes
    return [
        *deployment.notes,
        f"The registry's alias was not moved to v{deployment.version} "
        f"({deployment.alias_problem}): the model is in production all the same, and the next "
        "deployment moves it.",
    ]


def _mail(story: RunStory, headline: str, parts: list[list[str]]) -> Mail:
    return Mail(
        event="results",
        subject=subject(f"[{story.project}/{story.stage}] {headline}"),
        body=join(parts, story.stage),
    )
