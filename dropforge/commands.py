"""Our commands in what people are told, with the stage that they are about.

Who gives a hint need not know the stage: it is put in where the text leaves us, in a mail's body
and in what the CLI prints. The stage `dev` is the CLI's own default and is not named.
"""

import re

DEFAULT_STAGE = "dev"
WITH_STAGE = (
    "approve",
    "data diff",
    "data log",
    "data restore",
    "data show",
    "data vacuum",
    "doctor",
    "drop",
    "endpoint delete",
    "endpoint deploy",
    "endpoint shadow",
    "mail list",
    "mlflow",
    "model list",
    "model show",
    "predict",
    "push",
    "redrive",
    "reject",
    "reproduce",
    "rollback",
    "run show",
    "runs",
    "train",
    "up",
)
"""The commands that have a `--stage`."""

_COMMAND = re.compile(rf"\bdropforge ({'|'.join(WITH_STAGE)})\b(?! --stage)(?=(.*))")


def in_stage(text: str, stage: str) -> str:
    """The text with `--stage` in each of our commands that can have one, and has none in its line.

    >>> in_stage("Undo: dropforge rollback churn --to 6", "prod")
    'Undo: dropforge rollback --stage prod churn --to 6'
    """
    if stage == DEFAULT_STAGE:
        return text

    def staged(found: re.Match[str]) -> str:
        return found[0] if "--stage" in found[2] else f"{found[0]} --stage {stage}"

    return _COMMAND.sub(staged, text)
