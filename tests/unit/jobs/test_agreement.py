"""Ledger and lake agree, whatever comes in whatever order, twice, at once, or half."""

import contextlib
import json
import pkgutil
from collections import Counter

import pyarrow as pa
import pytest

from sagemaker_jobs.history.table import DROP, LINE, PERIOD, History
from sagemaker_jobs.history.versions import restore
from tests.unit.jobs.conftest import World, as_csv, loans, make_spec


def agree(world: World) -> dict[str, int]:
    """Check that the lake holds exactly the rows the ledger says; answers the rows a period."""
    history = History(world.history_uri)
    rows = history.read(["loan_id", PERIOD, DROP, LINE])
    records = {record.id: record for record in world.ledger.drops("loans")}
    held = Counter(zip(*(rows.column(n).to_pylist() for n in (PERIOD, DROP)), strict=True))
    for (period, drop), count in held.items():
        record = records[drop]
        assert record.period == period or record.state == "claimed"  # Score settles it
        assert record.state in ("accepted", "claimed")  # a file to score is accepted by Score
        if record.state == "accepted" and record.kind == "labelled":
            assert count == record.rows
    latest = {
        record.period: record
        for record in sorted(records.values(), key=lambda record: record.updated_at)
        if record.state == "accepted" and record.kind == "labelled"
    }
    assert {(period, record.id) for period, record in latest.items()} <= set(held)
    places = list(zip(*(rows.column(n).to_pylist() for n in (PERIOD, "loan_id")), strict=True))
    assert len(places) == len(set(places)), "a row is there twice"
    due = world.ledger.training_due("loans")
    assert due is None or due.lake_version <= (history.version or 0)
    return {period: count for (period, _), count in held.items()}


def test_duplicates_and_corrections(world: World) -> None:
    body = as_csv(loans(60, 2))
    world.drop("202010.csv", body)
    world.prepare()
    again = world.drop("202010.csv", body)
    world.prepare()
    assert world.state(again) == "duplicate"
    assert agree(world) == {"202010": 60}
    world.drop("2020-10-01.csv", as_csv(loans(70, 3)))  # 60 of its 70 ids are the old ones
    world.prepare()
    assert agree(world) == {"202010": 70}
    back = world.drop("202010.csv", body)
    world.prepare()
    assert world.state(back) == "accepted"
    assert agree(world) == {"202010": 60}


def test_periods_out_of_order(world: World) -> None:
    for period in ("202012", "202010", "initial", "202011"):
        world.drop(f"{period}.csv", as_csv(loans(50, sum(map(ord, period)))))
        world.prepare()
    assert agree(world) == {"202012": 50, "202010": 50, "initial": 50, "202011": 50}
    assert History(world.history_uri).in_order() == ["initial", "202010", "202011", "202012"]


@pytest.mark.parametrize("known", [False, True], ids=["new period", "known period"])
def test_a_period_dropped_twice_at_once_is_one_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    world.drop("initial.csv", as_csv(loans(100, 1)))
    if known:
        world.drop("202010.csv", as_csv(loans(50, 2)))
    world.prepare()
    ours = world.drop("202010.csv", as_csv(loans(50, 3)))
    other = as_csv(loans(55, 4))
    original, started = History.replace, list[bool]()

    def while_another_writes(self: History, *arguments, **named):  # type: ignore[no-untyped-def]
        if not started:
            started.append(True)
            theirs = world.drop("2020-10.csv", other)
            # A second job, of which the lock should have kept us free, is quicker.
            monkeypatch.setattr(world.ledger.__class__, "pending", lambda ledger, project: [theirs])
            world.prepare()
            monkeypatch.undo()
        return original(self, *arguments, **named)

    pending = [ours]
    monkeypatch.setattr(History, "replace", while_another_writes)
    monkeypatch.setattr(world.ledger.__class__, "pending", lambda ledger, project: pending)
    world.prepare()
    assert world.state(ours) == "accepted"
    assert agree(world) == {"initial": 100, "202010": 50}


class Killed(BaseException):
    """The job's process ends here."""


PLACES = [
    "sagemaker_jobs.history.table.write_file",
    "deltalake.DeltaTable.create_write_transaction",
    "sagemaker_jobs.accept.profiles.Profiles.store",
    "sagemaker_jobs.prepare.upload_file",
    "dropforge.aws.ledger.Ledger.make_training_due",
    "sagemaker_jobs.prepare.write_document",
    "dropforge.aws.ledger.Ledger.settle",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
def test_killed_at_a_write_and_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str, moment: str, call: int
) -> None:
    world.drop("initial.csv", as_csv(loans(120, 1)))
    world.prepare()
    drops = [
        world.drop("202010.csv", as_csv(loans(60, 2, first_id=500))),
        world.drop("202011.csv", as_csv(loans(40, 3, labelled=False))),
        world.drop("initial.csv", as_csv(loans(130, 4))),
        world.drop("202012.csv", as_csv(loans(40, 5, labelled=False))),
    ]
    module, _, name = place.rpartition(".")
    original, calls = getattr(pkgutil.resolve_name(module), name), 0

    def killing(*arguments, **named):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if calls == call and moment == "before":
            raise Killed
        answer = original(*arguments, **named)
        if calls == call:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(place, killing)
        with contextlib.suppress(Killed):
            world.job("run-2").run(train=False)
        assert calls >= min(call, 1)
    world.job("run-2").run(train=False)
    assert [world.state(drop) for drop in drops] == ["accepted", "claimed", "accepted", "claimed"]
    assert agree(world) == {"initial": 130, "202010": 60, "202011": 40, "202012": 40}
    totals = json.loads(world.object("lake/loans/profiles/totals.json"))
    assert totals["lake_version"] == History(world.history_uri).version
    assert totals["profile"]["rows"] == 270


def test_rows_keep_the_values_of_the_file(world: World) -> None:
    table = pa.table({"loan_id": ["007", "9007199254740993"], "income": [1.0, 2.0],
                      "amount": [1.5, 2.5], "age": [30, 40], "job": ["NA", "x"],
                      "sex": ["f", "m"], "default": [0, 1]})  # fmt: skip
    world.drop("initial.csv", as_csv(table))
    world.prepare()
    rows = History(world.history_uri).read(["loan_id", "job"])
    assert rows.column("loan_id").to_pylist() == ["007", "9007199254740993"]
    assert rows.column("job").to_pylist() == ["NA", "x"]


def test_what_was_taken_back_may_come_again(world: World) -> None:
    world.drop("202010.csv", as_csv(loans(60, 2)))
    first = world.prepare().lake_version
    assert first is not None
    body = as_csv(loans(50, 3, first_id=500))
    world.drop("202011.csv", body)
    world.prepare()
    restore(world.history_uri, first, by="somebody", run="cli-restore")
    again = world.drop("202011.csv", body)
    world.prepare()
    assert world.state(again) == "accepted"
    held = History(world.history_uri).read([PERIOD]).column(PERIOD).to_pylist()
    assert Counter(held) == {"202010": 60, "202011": 50}


@pytest.mark.parametrize("last", ["broken", "unlabelled", "duplicate"])
def test_a_training_that_is_due_is_settled_whatever_comes_last(world: World, last: str) -> None:
    first = as_csv(loans(300, 1))
    world.drop("initial.csv", first)
    result = world.prepare()
    assert result.training_due  # and that run never trains: it was killed
    bodies = {
        "broken": b"broken",
        "unlabelled": as_csv(loans(40, 3, labelled=False)),
        "duplicate": first,
    }
    world.drop("initial.csv" if last == "duplicate" else "202012.csv", bodies[last])
    result = world.prepare()
    assert result.training_due
    assert result.snapshot is not None
    assert result.snapshot.train_rows + result.snapshot.validation_rows == 240


def test_a_contract_widens_a_column_and_refuses_other_changes(world: World) -> None:
    columns = {
        "loan_id": {"type": "string", "role": "id"},
        "income": {"type": "number"},
        "amount": {"type": "number"},
        "age": {"type": "integer"},
        "job": {"type": "string"},
        "default": {"type": "string", "role": "target"},
    }
    table = loans(60, 2).drop_columns(["sex"])
    world.spec = make_spec(protected=[], contract={"columns": columns})
    world.drop("202010.csv", as_csv(table))
    world.prepare()
    world.spec = make_spec(
        protected=[], contract={"columns": columns | {"age": {"type": "number"}}}
    )
    halves = pa.array([age + 0.5 for age in table.column("age").to_pylist()])
    world.drop("202011.csv", as_csv(table.set_column(3, "age", halves)))
    assert [outcome.state for outcome in world.prepare().drops] == ["accepted"]
    ages = History(world.history_uri).read(["age"], ["202010"]).column("age")
    assert ages.to_pylist() == [float(age) for age in table.column("age").to_pylist()]
    world.spec = make_spec(
        protected=[],
        features={"keep": ["income", "amount", "job"]},
        contract={"columns": columns | {"age": {"type": "string"}}},
    )
    world.drop("202012.csv", as_csv(table))
    (outcome,) = world.prepare().drops
    assert (outcome.state, outcome.reasons[0].code) == ("quarantined", "schema_change")
    assert "age is number in the history, and text in this file" in outcome.reasons[0].message
