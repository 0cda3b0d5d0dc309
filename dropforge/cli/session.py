"""What a command works with: a cloud, a stage's stack and its ledger."""

from dataclasses import dataclass

from dropforge.aws.ledger import Ledger
from dropforge.aws.projects import fetch_project
from dropforge.aws.stack import Stack
from dropforge.cli.clouds import Cloud, choose
from dropforge.cli.console import remark
from dropforge.cli.options import CloudKind
from dropforge.errors import UnknownProject
from dropforge.ledger import ProjectPointer
from dropforge.project import ProjectSpec


@dataclass(frozen=True)
class Session:
    """A stage of one cloud."""

    stage: str
    cloud: Cloud
    stack: Stack
    ledger: Ledger

    @property
    def poll_seconds(self) -> float:
        """How often to ask for news: a laptop is asked often, AWS within its request rates."""
        return 0.4 if self.cloud.kind == "local" else 5.0

    def told(self, otherwise: str) -> str:
        """The command that shows why a run failed: its mail, where there is a mailbox to read."""
        return "dropforge mail newest" if self.cloud.kind == "local" else otherwise

    def pushed(self, project: str) -> ProjectPointer:
        """The pushed version of a project.

        Raises:
            UnknownProject: no project of that name was pushed to this stage.
        """
        pointer = self.ledger.project(project)
        if pointer is None:
            known = ", ".join(self.ledger.projects()) or "none"
            raise UnknownProject(
                f"The stage {self.stage} has no project {project!r} (pushed: {known}).",
                next_command=f"dropforge push {project}",
            )
        return pointer

    def spec(self, project: str) -> ProjectSpec:
        """A project as it was last pushed.

        Raises:
            UnknownProject: no project of that name was pushed to this stage.
        """
        return fetch_project(self.stack.lake_bucket, project, self.pushed(project).version)


def connect(stage: str, cloud: CloudKind | None, *, quiet: bool = False) -> Session:
    """Choose the cloud, say which, and find the stage's stack.

    Raises:
        CloudUnavailable: no cloud to work on.
        StackNotFound: the stage was not deployed there.
    """
    chosen = choose(cloud)
    if not quiet:
        remark(
            f"Using the {chosen}, stage {stage}."
            if chosen.kind == "local"
            else f"Using {chosen}, stage {stage}."
        )
    stack = Stack.find(stage)
    return Session(stage, chosen, stack, Ledger(stack.ledger_table))
