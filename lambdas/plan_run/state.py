"""Everything the plan depends on, read at once."""

from dataclasses import dataclass

from dropforge import layout
from dropforge.aws.documents import read_document
from dropforge.aws.projects import fetch_project
from dropforge.drops import DropRecord, PrepareResult
from dropforge.ledger import Champion, TrainingDue
from dropforge.project import ProjectSpec
from lambdas.plan_run.request import PlanRequest
from lambdas.settings import LakeSettings


@dataclass(frozen=True)
class RunState:
    """A run between Prepare and what follows. `rounds` are its PrepareResults in order."""

    spec: ProjectSpec
    rounds: list[PrepareResult]
    pending: list[DropRecord]
    due: TrainingDue | None
    champion: Champion | None

    @property
    def latest(self) -> PrepareResult:
        """The last round, whose snapshot and rows to score are the ones used."""
        return self.rounds[-1]

    @property
    def newcomers(self) -> list[DropRecord]:
        """Pending drops that no round of this run has looked at."""
        seen = {drop.drop for result in self.rounds for drop in result.drops}
        return [drop for drop in self.pending if drop.id not in seen]


def read_state(settings: LakeSettings, request: PlanRequest) -> RunState:
    """Read the run's documents and the project's items in the ledger."""
    lake, ledger = settings.lake_bucket, settings.ledger
    uris = [
        layout.prepare_result(lake, request.project, request.run, number)
        for number in range(1, request.round + 1)
    ]
    return RunState(
        spec=fetch_project(lake, request.project, request.project_version),
        rounds=[read_document(uri, PrepareResult) for uri in uris],
        pending=ledger.pending(request.project),
        due=ledger.training_due(request.project),
        champion=ledger.champion(request.project),
    )
