"""Prepare: every kind of drop ends in its state, with its reasons, and nothing twice."""

import csv
import datetime as dt
import gzip
import io
import json

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropforge.drops import DropOutcome, DropRecord
from dropforge.errors import NoTrainingData
from dropforge.ledger import RegisteredModel
from sagemaker_jobs.history.table import History
from tests.unit.jobs.conftest import Made, World, as_csv, loans, make_spec


def only(world: World) -> DropOutcome:
    """Prepare one pending drop."""
    (outcome,) = world.prepare().drops
    return outcome


def quarantined(world: World, name: str, body: bytes) -> DropOutcome:
    drop = world.drop(name, body)
    before = History(world.history_uri).version
    outcome = only(world)
    assert outcome.state == world.state(drop) == "quarantined"
    assert History(world.history_uri).version == before
    return outcome


def test_a_labelled_file_joins_the_history_and_makes_training_due(world: World) -> None:
    drop = world.drop("initial.csv", as_csv(loans(400, 1)))
    result = world.prepare()
    (outcome,) = result.drops
    assert (outcome.state, outcome.kind, outcome.rows) == ("accepted", "labelled", 400)
    assert outcome.positives == sum(loans(400, 1).column("default").to_pylist())
    record = world.ledger.drop("loans", drop.id)
    assert record is not None
    assert (record.state, record.period, record.sha256) == ("accepted", "initial", outcome.sha256)
    due = world.ledger.training_due("loans")
    assert due is not None
    assert due.lake_version == result.lake_version == outcome.lake_version
    assert result.training_due
    assert result.snapshot is not None
    assert world.object("runs/loans/run-1/prepare-1.json")
    history = History(world.history_uri)
    assert history.schema is not None
    types = {field.name: str(field.type) for field in history.schema}
    assert types == {
        "loan_id": "string", "income": "double", "amount": "double", "age": "double",
        "job": "string", "sex": "string", "default": "string",
    }  # fmt: skip
    rows = history.read(["loan_id", "job", "_line", "_drop"])
    assert "0000001" in rows.column("loan_id").to_pylist()
    assert "NA" in rows.column("job").to_pylist()
    assert set(rows.column("_line").to_pylist()) == set(range(2, 402))
    assert set(rows.column("_drop").to_pylist()) == {drop.id}


def test_an_unlabelled_file_is_handed_to_score_in_its_order(world: World) -> None:
    world.drop("initial.csv", as_csv(loans(300, 1)))
    table = loans(50, 2, first_id=1000, labelled=False).sort_by([("loan_id", "descending")])
    drop = world.drop("202010.csv", as_csv(table))
    result = world.prepare()
    outcome = result.to_score[0]
    assert (outcome.state, outcome.kind, outcome.scoring_rows) == ("claimed", "unlabelled", 50)
    assert world.state(drop) == "claimed"
    assert result.scoring_uri == "s3://the-lake/runs/loans/run-1/scoring-1/"
    rows = pq.read_table(io.BytesIO(world.object(f"runs/loans/run-1/scoring-1/{drop.id}.parquet")))
    assert rows.column("loan_id").to_pylist() == table.column("loan_id").to_pylist()
    assert "default" not in rows.schema.names


def test_an_empty_target_is_unlabelled(world: World) -> None:
    table = loans(30, 2).set_column(6, "default", pa.nulls(30, pa.int64()))
    world.drop("202010.csv", as_csv(table))
    assert only(world).kind == "unlabelled"


@pytest.mark.parametrize("extension", ["csv.gz", "jsonl", "parquet", "tsv"])
def test_later_files_take_the_types_of_the_history(world: World, extension: str) -> None:
    world.drop("initial.csv", as_csv(loans(300, 1)))
    table = loans(60, 2, first_id=1000)
    out = io.BytesIO()
    pq.write_table(table, out)
    body = {
        "csv.gz": gzip.compress(as_csv(table)),
        "jsonl": "\n".join(json.dumps(row) for row in table.to_pylist()).encode(),
        "parquet": out.getvalue(),
        "tsv": as_csv(table).replace(b",", b"\t"),
    }[extension]
    world.drop(f"202010.{extension}", body)
    assert [outcome.state for outcome in world.prepare().drops] == ["accepted", "accepted"]
    rows = History(world.history_uri).read(["loan_id", "income", "age", "default"], ["202010"])
    expected = table.select(["loan_id", "income"]).to_pylist()
    rows = rows.sort_by("loan_id")
    assert rows.select(["loan_id", "income"]).to_pylist() == expected
    assert set(rows.column("default").to_pylist()) == {"0", "1"}


GOOD = as_csv(loans(40, 3))
LINES = GOOD.decode().splitlines()


def changed(line: int, column: int, value: str) -> bytes:
    """The good file with one field changed; the header is line 1."""
    lines = list(LINES)
    fields = lines[line - 1].split(",")
    fields[column] = value
    lines[line - 1] = ",".join(fields)
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", "empty", "0 bytes"),
        (GOOD.replace(b"loan_id", b"customer"), "missing_id", "id column loan_id is missing"),
        (GOOD.replace(b"income", b"Income"), "missing_column", "There is a column Income"),
        (changed(7, 1, '"12'), "broken_quote", "Line 7"),
        (changed(9, 1, "1,2"), "ragged_row", "Line 9 has 8 fields, the header has 7"),
        (changed(5, 3, "old"), "type", "Line 5, column age: must be a number"),
        (changed(5, 0, ""), "missing_id", "Line 5, column loan_id: the id is missing"),
        (changed(6, 0, "0000001"), "duplicate_id", "Line 6, column loan_id: the id occurs earlier"),
        (changed(8, 6, "2"), "outcomes", "takes 3 different values"),
        (GOOD.replace(b"age", b"\xff\xfe"), "undecodable", "not utf-8"),
    ],
)
def test_a_bad_file_is_quarantined_with_reasons_and_rows(
    world: World, body: bytes, code: str, says: str
) -> None:
    world.drop("initial.csv", as_csv(loans(300, 1)))
    world.prepare()
    outcome = quarantined(world, "202010.csv", body)
    assert outcome.reasons[0].code == code
    assert says in outcome.reasons[0].message
    assert outcome.quarantine_uri is not None
    folder = outcome.quarantine_uri.removeprefix("s3://the-lake/")
    assert folder == f"quarantine/loans/202010/{outcome.drop}/"
    reasons = json.loads(world.object(f"{folder}reasons.json"))
    assert reasons["reasons"][0]["code"] == code
    assert reasons["file"]["key"] == "loans/202010.csv"
    listed = list(csv.reader(io.StringIO(world.object(f"{folder}rows.csv").decode())))
    assert listed[0][:2] == ["line", "reason"]
    if code in ("type", "missing_id", "duplicate_id") and outcome.reasons[0].line:
        assert listed[1][0] == str(outcome.reasons[0].line)
        assert listed[0][2:] == LINES[0].split(",")


def test_a_name_without_a_period_is_quarantined(world: World) -> None:
    outcome = quarantined(world, "latest.csv", GOOD)
    assert outcome.period == "unknown"
    assert "No period in the name" in outcome.reasons[0].message


def test_too_few_labels_are_quarantined(world: World) -> None:
    table = loans(100, 1)
    some = pa.array([1] * 60 + [None] * 40, pa.int64())
    outcome = quarantined(world, "initial.csv", as_csv(table.set_column(6, "default", some)))
    assert outcome.reasons[0].code == "few_labels"
    assert "60 of 100 rows (60.0%)" in outcome.reasons[0].message


def test_rows_within_the_limit_are_left_out_and_delivered(world: World) -> None:
    world.spec = make_spec(
        max_rejected_share=0.1,
        contract={
            "columns": {
                name: {"type": "string" if name in ("job", "sex", "loan_id") else "number"}
                for name in LINES[0].split(",")
            }
        },
    )
    world.drop("202010.csv", changed(5, 3, "old"))
    outcome = only(world)
    assert (outcome.state, outcome.rows, outcome.rejected) == ("accepted", 39, 1)
    assert outcome.quarantine_uri is not None


def test_a_slip_in_the_first_file_is_pointed_at(world: World) -> None:
    world.drop("initial.csv", changed(5, 3, "old"))
    outcome = only(world)
    assert outcome.state == "accepted"
    assert outcome.warnings[0].startswith("column age is read as text because 1 of its values")


def test_the_same_bytes_again_change_nothing(world: World) -> None:
    world.drop("initial.csv", as_csv(loans(300, 1)))
    world.prepare()
    again = world.drop("initial.csv", as_csv(loans(300, 1)))
    version = History(world.history_uri).version
    assert only(world).state == world.state(again) == "duplicate"
    assert History(world.history_uri).version == version


def test_a_correction_replaces_its_period_and_back(world: World) -> None:
    world.drop("initial.csv", as_csv(loans(300, 1)))
    first, second = as_csv(loans(100, 2)), as_csv(loans(90, 3))
    world.drop("202010.csv", first)
    world.prepare()
    world.drop("2020-10-01.csv", second)
    outcome = only(world)
    assert (outcome.state, outcome.replaced_rows, outcome.period) == ("accepted", 100, "202010")
    assert History(world.history_uri).read(["_line"], ["202010"]).num_rows == 90
    world.drop("202010.csv", first)
    assert only(world).state == "accepted"  # the first bytes again, but no longer the latest
    assert History(world.history_uri).read(["_line"], ["202010"]).num_rows == 100
    assert History(world.history_uri).read(["_line"], ["initial"]).num_rows == 300


def test_a_second_part_is_no_correction(world: World) -> None:
    world.drop("202010.csv", as_csv(loans(100, 2)))
    world.prepare()
    outcome = quarantined(world, "202010-2.csv", as_csv(loans(100, 3, first_id=5000)))
    assert outcome.reasons[0].code == "second_part"
    world.spec = make_spec(same_period="append")
    world.drop("202010-3.csv", as_csv(loans(100, 3, first_id=5000)))
    assert only(world).state == "accepted"
    assert History(world.history_uri).read(["_line"], ["202010"]).num_rows == 200


def test_labels_alone_join_rows_that_were_scored(world: World) -> None:
    world.drop("initial.csv", as_csv(loans(300, 1)))
    world.drop("202010.csv", as_csv(loans(100, 2, first_id=1000, labelled=False)))
    world.prepare()
    due = world.ledger.training_due("loans")
    assert due is not None
    world.ledger.clear_training("loans", due.lake_version)
    labels = b"loan_id,default\n" + b"".join(b"%07d,%d\n" % (1000 + n, n % 2) for n in range(98))
    drop = world.drop("202010-labels.csv", labels + b"0099999,1\n")
    result = world.prepare()
    outcome = next(o for o in result.drops if o.drop == drop.id)
    assert (outcome.state, outcome.kind) == ("accepted", "labels_only")
    assert outcome.warnings == ["1 ids have no row in 202010 yet"]
    assert result.snapshot is not None
    assert (result.snapshot.holdout_period, result.snapshot.holdout_rows) == ("202010", 98)


def test_labels_without_rows_are_quarantined(world: World) -> None:
    outcome = quarantined(world, "202010.csv", b"loan_id,default\n1,0\n2,1\n")
    assert outcome.reasons[0].code == "unknown_ids"


def test_labelled_rows_take_over_those_scored_before(world: World) -> None:
    world.drop("202010.csv", as_csv(loans(100, 2, labelled=False)))
    world.prepare()
    world.drop("202010.csv", as_csv(loans(80, 2)))
    world.prepare()
    rows = History(world.history_uri).read(["loan_id", "default"], ["202010"])
    assert rows.num_rows == 100
    assert rows.column("default").null_count == 20


def test_rows_to_score_never_overwrite_labels(world: World) -> None:
    world.drop("202010.csv", as_csv(loans(100, 2)))
    world.prepare()
    world.drop("202010.csv", as_csv(loans(120, 2, labelled=False)))
    outcome = world.prepare().to_score[0]
    assert outcome.scoring_rows == 120
    rows = History(world.history_uri).read(["loan_id", "default"], ["202010"])
    assert rows.num_rows == 120
    assert rows.column("default").null_count == 20


def test_columns_beyond_the_known_are_ignored_with_a_warning(world: World) -> None:
    world.drop("initial.csv", as_csv(loans(100, 1)))
    more = loans(50, 2).append_column("new", pa.array(["x"] * 50)).drop_columns(["sex"])
    world.drop("202010.csv", as_csv(more))
    outcome = world.prepare().drops[1]
    assert outcome.state == "accepted"
    assert outcome.warnings == [
        "columns not known before were ignored: new",
        "columns are absent and count as missing: sex",
    ]


def test_a_column_that_features_newly_name_joins_the_history(world: World) -> None:
    world.drop("initial.csv", as_csv(loans(200, 1)))
    world.prepare()
    world.spec = make_spec(features={"keep": ["income", "new"]})
    more = loans(60, 2, first_id=900).append_column("new", pa.array(range(60)))
    world.drop("202010.csv", as_csv(more))
    assert only(world).state == "accepted"
    rows = History(world.history_uri).read(["new"])
    assert rows.column("new").null_count == 200


def test_fourteen_shuffled_drops_are_fourteen_states_and_one_snapshot(world: World) -> None:
    months = [f"2020{month:02d}" for month in range(1, 13)]
    for number in (5, 0, 9, 11, 3):
        world.drop(f"{months[number]}.csv", as_csv(loans(60, number, first_id=1000 * number + 900)))
    world.drop("202101.csv", as_csv(loans(30, 50, first_id=90_000, labelled=False)))
    world.drop("initial.csv", as_csv(loans(300, 60)))
    for number in (1, 2, 4, 6, 7, 8, 10):
        world.drop(f"{months[number]}.csv", as_csv(loans(60, number, first_id=1000 * number + 900)))
    result = world.prepare()
    assert [drop.period for drop in result.drops] == ["initial", *months, "202101"]
    assert [drop.state for drop in result.drops] == ["accepted"] * 13 + ["claimed"]
    assert result.snapshot is not None
    assert result.snapshot.train_periods == ["initial", *months[:-1]]
    assert result.snapshot.holdout_period == "202012"
    assert len(result.to_score) == 1


def test_a_training_on_demand_uses_what_is_there(world: World) -> None:
    with pytest.raises(NoTrainingData):
        world.prepare(train=True)
    world.drop("initial.csv", as_csv(loans(300, 1)))
    world.prepare()
    due = world.ledger.training_due("loans")
    assert due is not None
    world.ledger.clear_training("loans", due.lake_version)
    assert world.prepare().snapshot is None
    result = world.prepare(train=True)
    assert result.snapshot is not None
    assert world.ledger.training_due("loans") is not None


def test_the_champion_gives_holdout_drift_and_warm_start(world: World, made: Made) -> None:
    world.drop("initial.csv", as_csv(loans(3000, 1)))
    world.crown(made.artifact, "4")
    shifted = loans(600, 2, first_id=9000)
    ages = pa.array([age + 40 for age in shifted.column("age").to_pylist()])
    world.drop("202010.csv", as_csv(shifted.set_column(3, "age", ages)))
    result = world.prepare()
    drifted = [(item.column, item.against) for item in result.drops[1].drift if item.alarm]
    assert drifted == [("age", "champion"), ("age", "previous")]
    document = json.loads(world.object("runs/loans/run-1/snapshot-1/snapshot.json"))
    assert document["champion"] == "4"
    assert document["warm_start"][0]["num_leaves"] > 1


def test_models_that_were_held_give_warm_starts_too(world: World, made: Made) -> None:
    uri = world.upload(made.artifact, "models/loans/held")
    lineage = json.loads((made.artifact / "lineage.json").read_text())
    lineage["validation"]["value"] = 0.999
    lineage["parameters"]["num_leaves"] = 77
    body = json.dumps(lineage).encode()
    boto3.client("s3").put_object(
        Bucket="the-lake", Key="models/loans/held/lineage.json", Body=body
    )
    world.ledger.put_model(
        "loans",
        RegisteredModel(
            version="5",
            model_package_arn="arn:aws:sagemaker:us-east-1:000000000000:model-package/loans/5",
            artifact_uri=uri,
            run="run-5",
            project_version="0",
            verdict="HOLD",
            status="Rejected",
            registered_at=dt.datetime.now(dt.UTC),
        ),
    )
    world.crown(made.artifact, "4")
    world.drop("initial.csv", as_csv(loans(300, 1)))
    world.prepare()
    document = json.loads(world.object("runs/loans/run-1/snapshot-1/snapshot.json"))
    own = json.loads((made.artifact / "lineage.json").read_text())["parameters"]["num_leaves"]
    assert [one["num_leaves"] for one in document["warm_start"][:2]] == [77, own]
    assert "value" not in document["warm_start"][0]


def test_exactly_the_dropped_version_is_read(world: World) -> None:
    first = world.drop("202010.csv", as_csv(loans(50, 1)))
    key = boto3.client("s3").put_object(Bucket="the-drops", Key="loans/202010.csv", Body=b"junk")
    assert key["VersionId"] != first.version
    assert only(world).rows == 50


def test_a_deleted_version_is_said(world: World) -> None:
    drop = world.drop("202010.csv", b"x")
    boto3.client("s3").delete_object(Bucket="the-drops", Key=drop.key, VersionId=drop.version)
    outcome = only(world)
    assert (outcome.state, outcome.reasons[0].code) == ("quarantined", "gone")


class Killed(BaseException):
    """The job's process ends here."""


@pytest.mark.parametrize(
    "place",
    [
        "sagemaker_jobs.accept.drop.write_quarantine",
        "sagemaker_jobs.history.table.History.replace",
        "sagemaker_jobs.prepare.build_snapshot",
        "sagemaker_jobs.prepare.upload_folder",
        "sagemaker_jobs.prepare.write_document",
        "dropforge.aws.ledger.Ledger.make_training_due",
        "dropforge.aws.ledger.Ledger.settle",
    ],
)
@pytest.mark.parametrize("moment", ["before", "after", "second"])
def test_killed_anywhere_and_run_again_ends_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str, moment: str
) -> None:
    drops: list[DropRecord] = [
        world.drop("initial.csv", as_csv(loans(300, 1))),
        world.drop("202010.csv", as_csv(loans(100, 2))),
        world.drop("202011.csv", b"broken"),
        world.drop("202012.csv", as_csv(loans(40, 3, labelled=False))),
    ]
    module, _, name = place.rpartition(".")
    original = _resolve(module, name)
    calls = 0

    def killing(*arguments, **named):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if moment == "before":
            raise Killed
        answer = original(*arguments, **named)
        if moment == "after" or calls == 2:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(place, killing)
        try:
            world.job("run-1").run(train=False)
        except Killed:
            assert calls
    result = world.job("run-1").run(train=False)
    states = {outcome.drop: outcome.state for outcome in result.drops}
    assert [states[drop.id] for drop in drops] == ["accepted", "accepted", "quarantined", "claimed"]
    assert [world.state(drop) for drop in drops] == list(states[drop.id] for drop in drops)
    assert result.snapshot is not None
    history = History(world.history_uri)
    rows = {period: history.read(["_line"], [period]).num_rows for period in history.periods()}
    assert rows == {"initial": 300, "202010": 100, "202012": 40}
    assert world.ledger.training_due("loans") is not None


def _resolve(module: str, name: str):  # type: ignore[no-untyped-def]
    import pkgutil

    return getattr(pkgutil.resolve_name(module), name)


def test_a_holdout_counts_how_often_it_has_judged(world: World, made: Made) -> None:
    evaluation = json.loads((made.evaluation / "evaluation.json").read_text())
    for number, period in enumerate(["202009", "202010", "202010"], start=1):
        evaluation["holdout"]["period"] = period
        key = f"runs/loans/earlier-{number}/evaluation.json"
        body = json.dumps(evaluation).encode()
        boto3.client("s3").put_object(Bucket="the-lake", Key=key, Body=body)
        model = RegisteredModel(
            version=str(number),
            model_package_arn="arn:aws:sagemaker:us-east-1:000000000000:model-package/loans/1",
            artifact_uri="s3://the-lake/models/loans/earlier/",
            run=f"earlier-{number}",
            project_version="0",
            verdict="HOLD",
            status="Rejected",
            registered_at=dt.datetime.now(dt.UTC),
        )
        world.ledger.put_model("loans", model)
    world.drop("initial.csv", as_csv(loans(300, 1)))
    world.drop("202010.csv", as_csv(loans(60, 2, first_id=900)))
    world.prepare()
    document = json.loads(world.object("runs/loans/run-1/snapshot-1/snapshot.json"))
    assert document["judged_before"] == 2
    world.drop("202011.csv", as_csv(loans(60, 3, first_id=2000)))
    world.prepare()
    document = json.loads(world.object("runs/loans/run-2/snapshot-1/snapshot.json"))
    assert document["judged_before"] == 0
