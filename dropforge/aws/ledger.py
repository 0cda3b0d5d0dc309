"""The ledger: one DynamoDB table that says what became of every drop, and who may change what.

Partition key `pk` is `project#<name>`, sort key `sk` the item's kind:

    project                the version last pushed
    drop#<id>              one object version (`drops.DropRecord`)
    lock#pipeline          who runs the project now; lock#deployment: who changes its endpoint
    training               accepted labelled rows that no verdict has seen yet
    champion               the model in production
    model#<version>        a registered model package
    mail#<run>             that the run's final mail was sent

Every change that two runs could make at once is a conditional write
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html).
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from dropforge.aws.clients import error_code, resource
from dropforge.drops import PENDING, Document, DropKind, DropRecord, DropState, Reason
from dropforge.errors import ChampionMoved

LockName = Literal["pipeline", "deployment"]
ModelStatus = Literal["Approved", "PendingManualApproval", "Rejected"]


class Champion(Document):
    """The model in production. `previous` is the version it took over from."""

    version: str
    model_package_arn: str
    artifact_uri: str
    run: str
    config_name: str | None = None
    previous: str | None = None
    promoted_at: dt.datetime


class TrainingDue(Document):
    """Labelled rows wait for a verdict. `failed_run` is the last run that tried and failed."""

    lake_version: int
    since: dt.datetime
    run: str
    failed_run: str | None = None


class ProjectPointer(Document):
    """The version of a project that new runs use."""

    version: str
    pushed_at: dt.datetime


class RegisteredModel(Document):
    """A model package as the ledger knows it. `awaiting`: a person must still decide."""

    version: str
    model_package_arn: str
    artifact_uri: str
    run: str
    project_version: str
    verdict: str
    status: ModelStatus
    awaiting: bool = False
    expected_champion: str | None = None
    registered_at: dt.datetime


class Lock(Document):
    """Who holds a lock."""

    holder: str
    acquired_at: dt.datetime


class Ledger:
    """The table's items by what they mean. All times are UTC."""

    def __init__(self, table_name: str, dynamodb: Any = None) -> None:
        self._table = (dynamodb or resource("dynamodb")).Table(table_name)

    # Drops ------------------------------------------------------------------------------------

    def claim(self, drop: DropRecord) -> DropRecord:
        """Claim a drop for intake, or answer the record of whoever claimed it before."""
        item = _item(_pk(drop.project), f"drop#{drop.id}", drop)
        if self._put(item, "attribute_not_exists(pk)"):
            return drop
        existing = self.drop(drop.project, drop.id)
        assert (
            existing is not None
        )  # the condition failed because it exists; drops are never deleted
        return existing

    def drop(self, project: str, drop_id: str) -> DropRecord | None:
        """One drop, read consistently."""
        return self._get(project, f"drop#{drop_id}", DropRecord)

    def drops(self, project: str, states: Iterable[DropState] | None = None) -> list[DropRecord]:
        """A project's drops, oldest first; only those in `states`, if given."""
        wanted = set(states) if states is not None else None
        found = [_read(item, DropRecord) for item in self._query(project, "drop#")]
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
        return self._get(project, f"lock#{name}", Lock)

    def acquire(
        self, project: str, name: LockName, execution: str, *, instead_of: str | None = None
    ) -> bool:
        """Take a lock that is free, already ours, or held by `instead_of` (which ended)."""
        item = _item(_pk(project), f"lock#{name}", Lock(holder=execution, acquired_at=_now()))
        return self._put(
            item,
            "attribute_not_exists(pk) OR holder IN (:self, :old)",
            {":self": execution, ":old": instead_of or execution},
        )

    def release(self, project: str, name: LockName, execution: str) -> bool:
        """Give back a lock; False if it was not held by `execution`."""
        return self._delete(project, f"lock#{name}", "holder = :self", {":self": execution})

    # Training due -----------------------------------------------------------------------------

    def training_due(self, project: str) -> TrainingDue | None:
        """Whether labelled rows wait for a verdict."""
        return self._get(project, "training", TrainingDue)

    def make_training_due(self, project: str, lake_version: int, run: str) -> None:
        """Note that the history at `lake_version` waits for a verdict."""
        due = TrainingDue(lake_version=lake_version, since=_now(), run=run)
        self._put(
            _item(_pk(project), "training", due),
            "attribute_not_exists(pk) OR lake_version <= :new",
            {":new": lake_version},
        )

    def training_failed(self, project: str, run: str) -> None:
        """Note that a run tried to settle the training and failed: the next drop tries again."""
        try:
            self._table.update_item(
                Key={"pk": _pk(project), "sk": "training"},
                UpdateExpression="SET failed_run = :run",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":run": run},
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise

    def clear_training(self, project: str, lake_version: int) -> bool:
        """A verdict was reached on `lake_version`; rows that came later stay due."""
        return self._delete(
            project, "training", "lake_version <= :judged", {":judged": lake_version}
        )

    # Champion and models ----------------------------------------------------------------------

    def champion(self, project: str) -> Champion | None:
        """The model in production."""
        return self._get(project, "champion", Champion)

    def move_champion(self, project: str, champion: Champion, expected: str | None) -> None:
        """Make `champion` the model in production if `expected` (a version) still is, or it is.

        Raises:
            ChampionMoved: somebody else changed the champion in between.
        """
        condition = "attribute_not_exists(pk)" if expected is None else "version = :expected"
        item = _item(_pk(project), "champion", champion)
        values = {":new": champion.version} | ({":expected": expected} if expected else {})
        if not self._put(item, f"{condition} OR version = :new", values):
            now = self.champion(project)
            raise ChampionMoved(
                f"Version {champion.version} of {project} was compared against version {expected}, "
                f"but the champion is now {now.version if now else None}. Nothing was changed.",
                next_command=f"dropforge train {project}",
            )

    def put_model(self, project: str, model: RegisteredModel) -> None:
        """Write what is known of a registered model."""
        self._table.put_item(Item=_item(_pk(project), _model_sk(model.version), model))

    def model(self, project: str, version: str) -> RegisteredModel | None:
        """One registered model."""
        return self._get(project, _model_sk(version), RegisteredModel)

    def models(self, project: str) -> list[RegisteredModel]:
        """A project's registered models, oldest first."""
        return [_read(item, RegisteredModel) for item in self._query(project, "model#")]

    def take_pending_model(self, project: str, version: str) -> bool:
        """Claim the decision on a model that awaits one; False if it was taken already."""
        try:
            self._table.update_item(
                Key={"pk": _pk(project), "sk": _model_sk(version)},
                UpdateExpression="SET awaiting = :no",
                ConditionExpression="awaiting = :yes",
                ExpressionAttributeValues={":no": False, ":yes": True},
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    # Projects and mails -----------------------------------------------------------------------

    def project(self, project: str) -> ProjectPointer | None:
        """The version of a project that new runs use."""
        return self._get(project, "project", ProjectPointer)

    def point_project(self, project: str, version: str) -> None:
        """Make a version the one that new runs use."""
        pointer = ProjectPointer(version=version, pushed_at=_now())
        self._table.put_item(Item=_item(_pk(project), "project", pointer))

    def projects(self) -> list[str]:
        """Every pushed project (a scan: for people, not for the flow)."""
        names: list[str] = []
        start: dict[str, Any] = {}
        while True:
            page = self._table.scan(
                FilterExpression=Key("sk").eq("project"), ProjectionExpression="pk", **start
            )
            names += [item["pk"].removeprefix("project#") for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return sorted(names)
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def claim_mail(self, project: str, run: str) -> bool:
        """Claim a run's final mail; False if it was claimed before."""
        item = {"pk": _pk(project), "sk": f"mail#{run}", "claimed_at": _now().isoformat()}
        return self._put(item, "attribute_not_exists(pk)")

    def release_mail(self, project: str, run: str) -> None:
        """Give a claimed mail back: it could not be sent."""
        self._table.delete_item(Key={"pk": _pk(project), "sk": f"mail#{run}"})

    # The table --------------------------------------------------------------------------------

    def _get(self, project: str, sk: str, model: type[Any]) -> Any:
        answer = self._table.get_item(Key={"pk": _pk(project), "sk": sk}, ConsistentRead=True)
        return _read(answer["Item"], model) if "Item" in answer else None

    def _query(self, project: str, prefix: str) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        condition = Key("pk").eq(_pk(project)) & Key("sk").begins_with(prefix)
        while True:
            page = self._table.query(KeyConditionExpression=condition, ConsistentRead=True, **start)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _put(
        self, item: dict[str, Any], condition: str, values: dict[str, Any] | None = None
    ) -> bool:
        arguments: dict[str, Any] = {"Item": item, "ConditionExpression": condition}
        if values:
            arguments["ExpressionAttributeValues"] = values
        return _conditional(self._table.put_item, **arguments)

    def _delete(self, project: str, sk: str, condition: str, values: dict[str, Any]) -> bool:
        return _conditional(
            self._table.delete_item,
            Key={"pk": _pk(project), "sk": sk},
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )

    def _update_drop(
        self, project: str, drop_id: str, values: dict[str, Any], *, only_pending: bool = False
    ) -> bool:
        values = values | {"updated_at": _now().isoformat()}
        condition = "attribute_exists(pk)"
        names = {f"#{name}": name for name in values}
        extra: dict[str, Any] = {}
        if only_pending:
            condition += " AND #state IN (:claimed, :started)"
            names["#state"] = "state"
            extra = {":claimed": "claimed", ":started": "started"}
        return _conditional(
            self._table.update_item,
            Key={"pk": _pk(project), "sk": f"drop#{drop_id}"},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()} | extra,
        )


def _conditional(call: Any, **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _pk(project: str) -> str:
    return f"project#{project}"


def _model_sk(version: str) -> str:
    return f"model#{int(version):08d}"


def _item(pk: str, sk: str, document: Document) -> dict[str, Any]:
    values = document.model_dump(mode="json", exclude_none=True)
    return {"pk": pk, "sk": sk, **_to_dynamo(values)}


def _to_dynamo(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _to_dynamo(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_to_dynamo(inner) for inner in value]
    return value


def _read(item: dict[str, Any], model: type[Any]) -> Any:
    values = {key: value for key, value in item.items() if key not in ("pk", "sk")}
    return model.model_validate(values)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
