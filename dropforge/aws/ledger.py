"""The ledger: one DynamoDB table that says what became of every drop, and who may change what.

Under each project, by sort key:

    project                the version last pushed
    drop#<id>              one object version (`drops.DropRecord`)
    lock#pipeline          who runs the project now; lock#deployment: who changes its endpoint
    training               accepted labelled rows that no verdict has seen yet
    champion               the model in production
    shadow                 the model that gets copies of the champion's requests
    model#<version>        a registered model package
    mail#<run>             that the run's final mail was sent

Every change that two runs could make at once is a conditional write.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from dropforge.aws.items import ABSENT, PRESENT, Items
from dropforge.drops import PENDING, DropKind, DropRecord, DropState, Reason
from dropforge.errors import ChampionMoved
from dropforge.ledger import (
    Champion,
    Lock,
    LockName,
    MailClaim,
    ProjectPointer,
    RegisteredModel,
    Shadow,
    TrainingDue,
)


class Ledger:
    """The table's items by what they mean. All times are UTC."""

    def __init__(self, table_name: str, dynamodb: Any = None) -> None:
        self._items = Items(table_name, dynamodb)

    # Drops ------------------------------------------------------------------------------------

    def claim(self, drop: DropRecord) -> DropRecord:
        """Claim a drop for intake, or answer the record of whoever claimed it before."""
        if self._items.put(drop.project, f"drop#{drop.id}", drop, ABSENT):
            return drop
        existing = self.drop(drop.project, drop.id)
        assert (
            existing is not None
        )  # the condition failed because it exists; drops are never deleted
        return existing

    def drop(self, project: str, drop_id: str) -> DropRecord | None:
        """One drop, read consistently."""
        return self._items.get(project, f"drop#{drop_id}", DropRecord)

    def drops(self, project: str, states: Iterable[DropState] | None = None) -> list[DropRecord]:
        """A project's drops, oldest first; only those in `states`, if given."""
        wanted = set(states) if states is not None else None
        found = self._items.query(project, "drop#", DropRecord)
        return sorted(
            (drop for drop in found if wanted is None or drop.state in wanted),
            key=lambda drop: drop.created_at,
        )

    def pending(self, project: str) -> list[DropRecord]:
        """The drops that no run has settled, oldest first."""
        return self.drops(project, PENDING)

    def start(self, drop: DropRecord, execution: str) -> None:
        """Note that an execution runs for a claimed drop. A settled drop stays settled."""
        self._update_drop(
            drop.project, drop.id, {"state": "started", "execution": execution}, only_pending=True
        )

    def settle(
        self,
        project: str,
        drop_id: str,
        state: DropState,
        *,
        run: str,
        kind: DropKind | None = None,
        period: str | None = None,
        rows: int | None = None,
        sha256: str | None = None,
        reasons: Iterable[Reason] = (),
    ) -> bool:
        """Give a pending drop its final state; False if it had one already."""
        values: dict[str, Any] = {"state": state, "settled_by": run}
        optional = {"kind": kind, "period": period, "rows": rows, "sha256": sha256}
        values |= {name: value for name, value in optional.items() if value is not None}
        if listed := [reason.model_dump(mode="json", exclude_none=True) for reason in reasons]:
            values["reasons"] = listed
        return self._update_drop(project, drop_id, values, only_pending=True)

    def reopen(self, drop: DropRecord) -> DropRecord:
        """Take a failed drop up again, as its next attempt."""
        self._update_drop(
            drop.project, drop.id, {"state": "claimed", "attempt": drop.attempt + 1, "reasons": []}
        )
        reopened = self.drop(drop.project, drop.id)
        assert reopened is not None
        return reopened

    def mark_mailed(self, project: str, drop_ids: Iterable[str], run: str) -> None:
        """Note which run's mail speaks of these drops."""
        for drop_id in drop_ids:
            self._update_drop(project, drop_id, {"mailed_by": run})

    # Locks ------------------------------------------------------------------------------------

    def lock(self, project: str, name: LockName) -> Lock | None:
        """Who holds a lock now."""
        return self._items.get(project, f"lock#{name}", Lock)

    def acquire(
        self, project: str, name: LockName, execution: str, *, instead_of: str | None = None
    ) -> bool:
        """Take a lock that is free, already ours, or held by `instead_of` (which ended)."""
        return self._items.put(
            project,
            f"lock#{name}",
            Lock(holder=execution, acquired_at=_now()),
            f"{ABSENT} OR holder IN (:self, :old)",
            {":self": execution, ":old": instead_of or execution},
        )

    def release(self, project: str, name: LockName, execution: str) -> bool:
        """Give back a lock; False if it was not held by `execution`."""
        return self._items.delete(project, f"lock#{name}", "holder = :self", {":self": execution})

    # Training due -----------------------------------------------------------------------------

    def training_due(self, project: str) -> TrainingDue | None:
        """Whether labelled rows wait for a verdict."""
        return self._items.get(project, "training", TrainingDue)

    def make_training_due(self, project: str, lake_version: int, run: str) -> None:
        """Note that the history at `lake_version` waits for a verdict."""
        due = TrainingDue(lake_version=lake_version, since=_now(), run=run)
        condition = f"{ABSENT} OR lake_version <= :new"
        self._items.put(project, "training", due, condition, {":new": lake_version})

    def training_failed(self, project: str, run: str) -> None:
        """Note that a run tried to settle the training and failed: the next drop tries again."""
        self._items.update(project, "training", {"failed_run": run})

    def clear_training(self, project: str, lake_version: int) -> bool:
        """A verdict was reached on `lake_version`; rows that came later stay due."""
        return self._items.delete(
            project, "training", "lake_version <= :judged", {":judged": lake_version}
        )

    # Champion and models ----------------------------------------------------------------------

    def champion(self, project: str) -> Champion | None:
        """The model in production."""
        return self._items.get(project, "champion", Champion)

    def move_champion(self, project: str, champion: Champion, expected: str | None) -> None:
        """Make `champion` the model in production if `expected` (a version) still is, or it is.

        Raises:
            ChampionMoved: somebody else changed the champion in between.
        """
        condition = ABSENT if expected is None else "version = :expected"
        values = {":new": champion.version} | ({":expected": expected} if expected else {})
        condition += " OR version = :new"
        if not self._items.put(project, "champion", champion, condition, values):
            now = self.champion(project)
            raise ChampionMoved(
                f"Version {champion.version} of {project} was compared against version {expected}, "
                f"but the champion is now {now.version if now else None}. Nothing was changed.",
                next_command=f"dropforge train {project}",
            )

    def shadow(self, project: str) -> Shadow | None:
        """The model that was last deployed as the champion's shadow."""
        return self._items.get(project, "shadow", Shadow)

    def note_shadow(self, project: str, version: str, percent: int) -> Shadow:
        """Note who is the shadow now; `since` stays that of the same model at the same share."""
        now = self.shadow(project)
        if now is not None and (now.version, now.percent) == (version, percent):
            return now
        shadow = Shadow(version=version, percent=percent, since=_now())
        self._items.put(project, "shadow", shadow)
        return shadow

    def forget_shadow(self, project: str) -> None:
        """Note that there is no shadow."""
        self._items.delete(project, "shadow")

    def put_model(self, project: str, model: RegisteredModel) -> None:
        """Write what is known of a registered model."""
        self._items.put(project, _model_sk(model.version), model)

    def model(self, project: str, version: str) -> RegisteredModel | None:
        """One registered model."""
        return self._items.get(project, _model_sk(version), RegisteredModel)

    def models(self, project: str) -> list[RegisteredModel]:
        """A project's registered models, oldest first."""
        return self._items.query(project, "model#", RegisteredModel)

    def take_pending_model(self, project: str, version: str) -> bool:
        """Claim the decision on a model that awaits one; False if it was taken already."""
        return self._items.update(
            project, _model_sk(version), {"awaiting": False}, "#awaiting = :yes", {":yes": True}
        )

    # Projects and mails -----------------------------------------------------------------------

    def project(self, project: str) -> ProjectPointer | None:
        """The version of a project that new runs use."""
        return self._items.get(project, "project", ProjectPointer)

    def point_project(self, project: str, version: str) -> None:
        """Make a version the one that new runs use."""
        pointer = ProjectPointer(version=version, pushed_at=_now())
        self._items.put(project, "project", pointer)

    def projects(self) -> list[str]:
        """Every pushed project (a scan: for people, not for the flow)."""
        return self._items.projects_with("project")

    def claim_mail(self, project: str, run: str) -> bool:
        """Claim a run's final mail; False if it was claimed before."""
        return self._items.put(project, f"mail#{run}", MailClaim(claimed_at=_now()), ABSENT)

    def release_mail(self, project: str, run: str) -> None:
        """Give a claimed mail back: it could not be sent."""
        self._items.delete(project, f"mail#{run}")

    def _update_drop(
        self, project: str, drop_id: str, changes: dict[str, Any], *, only_pending: bool = False
    ) -> bool:
        changes = changes | {"updated_at": _now().isoformat()}
        if not only_pending:
            return self._items.update(project, f"drop#{drop_id}", changes)
        pending = {f":pending{n}": state for n, state in enumerate(PENDING)}
        condition = f"{PRESENT} AND #state IN ({', '.join(pending)})"
        return self._items.update(project, f"drop#{drop_id}", changes, condition, pending)


def _model_sk(version: str) -> str:
    """Sorts by number, as DynamoDB sorts by text."""
    return f"model#{int(version):08d}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
