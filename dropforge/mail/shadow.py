"""What people are told of a shadow: who it is, how to see how it compares, why there is none."""

from dropforge.mail.text import Mail, join, subject, took
from dropforge.runs import RunStory, ShadowChange


def shadow_lines(story: RunStory) -> list[str]:
    """How the run's model shadows the one in production, while it awaits a person's decision."""
    made, change = story.registration, story.shadow
    if made is None or change is None:
        return []
    if change.problem is not None:
        return [
            f"It is not shadowed: {change.problem}",
            "The model in production answers as before. To try again:",
            f"  dropforge endpoint shadow {story.project} --version {made.version} "
            f"--stage {story.stage}",
        ]
    if change.version != made.version:
        return []
    return [
        f"It is shadowed: {change.percent} % of the live requests are copied to it. Its answers "
        "are captured, and no caller sees them. How they compare:",
        f"  dropforge endpoint shadow {story.project} --stage {story.stage}",
    ]


def shadow_mail(story: RunStory) -> Mail:
    """The mail of a change of the shadow that ran on its own: a command, a refusal."""
    change = story.shadow
    headline, line = _said(story, change)
    look = f"How it compares: dropforge endpoint shadow {story.project} --stage {story.stage}"
    return Mail(
        event="results",
        subject=subject(f"[{story.project}/{story.stage}] {headline}"),
        body=join(
            [
                [f"{headline}: {line}"],
                [look] if change and change.version else [],
                [f"Took {took(story)}. Deployment {story.run}."],
                change.notes if change else [],
            ],
            story.stage,
        ),
    )


def _said(story: RunStory, change: ShadowChange | None) -> tuple[str, str]:
    if change is None:
        return "SHADOW", f"the deployment {story.run} succeeded."
    stays = f"v{change.champion} answers as before"
    done = change.action in ("unchanged", "none")
    if change.version is None:
        headline = "NOTHING TO DO, no shadow" if done else "SHADOW OFF"
        return headline, f"v{change.champion} has no shadow, and answers as before."
    return (
        f"{'NOTHING TO DO, ' if done else ''}SHADOWED v{change.version}",
        f"v{change.version} gets a copy of {change.percent} % of the live requests at "
        f"{change.endpoint}. Its answers are captured, no caller sees them; {stays}.",
    )
