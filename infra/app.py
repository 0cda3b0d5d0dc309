"""The app: `python -m infra.app`, as `cdk.json` runs it, and `synthesize` for everybody else."""

from pathlib import Path

import aws_cdk as cdk

from infra.nag import acknowledge
from infra.settings import load_settings
from infra.stack import DropforgeStack

DEFAULT_STAGE = "dev"


def build(app: cdk.App, stage: str) -> DropforgeStack:
    """The stack of one stage, added to an app."""
    stack = DropforgeStack(app, load_settings(stage))
    cdk.Tags.of(stack).add("dropforge:stage", stage)
    acknowledge(stack)
    return stack


def synthesize(outdir: Path, stage: str = DEFAULT_STAGE) -> Path:
    """Synthesize a stage's cloud assembly into `outdir`; needs no credentials and no Docker.

    Returns:
        The assembly's directory: `manifest.json`, `dropforge-<stage>.template.json`, the assets.

    Raises:
        pydantic.ValidationError: the stage's settings are wrong.
        infra.assets.AssetFailed: the functions' dependencies could not be installed.
    """
    app = cdk.App(outdir=str(outdir), analytics_reporting=False)
    build(app, stage)
    return Path(app.synth().directory)


def main() -> None:
    """Synthesize the stage that `--context stage=…` names, where the cdk command wants it."""
    app = cdk.App()
    build(app, app.node.try_get_context("stage") or DEFAULT_STAGE)
    app.synth()


if __name__ == "__main__":
    main()
