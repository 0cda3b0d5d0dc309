"""Intake against recorded SQS events."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dropforge import layout
from dropforge.aws import clients
from dropforge.dropkey import drop_id
from dropforge.drops import DropRecord
from lambdas.intake.handler import handler
from lambdas.intake.notification import UnknownMessage, arrivals
from tests.unit.lambdas.conftest import DROPS, LAKE, Account, arrival_event, read_event

Event = Callable[[str], dict[str, Any]]


def deliver(account: Account, event: dict[str, Any]) -> list[str]:
    """Deliver a batch; answers the ids of the messages that go back to the queue."""
    answer = handler(event, account.context)
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def drops(account: Account, project: str = "credit") -> list[DropRecord]:
    return account.ledger.drops(project)


def test_a_put_starts_one_run_with_the_pushed_version(account: Account, sqs_event: Event) -> None:
    spec = account.push()
    assert deliver(account, sqs_event("put")) == []
    (execution,) = account.executions()
    (drop,) = drops(account)
    assert execution["input"] == {
        "project": "credit",
        "project_version": spec.version,
        "trigger": "drop",
        "drop": drop.id,
    }
    assert execution["name"] == f"credit-202010-{drop.id[:8]}-1"
    assert (drop.state, drop.execution) == ("started", execution["executionArn"])
    assert (drop.key, drop.version) == ("credit/20201001.csv", "3HL4kqtJvjVBH40Nrjfkd.Oexample1")
    assert account.mails() == []


def test_the_same_event_three_times_starts_one_run(account: Account, sqs_event: Event) -> None:
    account.push()
    for _ in range(3):
        assert deliver(account, sqs_event("put")) == []
    assert len(account.executions()) == 1
    assert len(drops(account)) == 1


def test_a_late_delivery_leaves_a_settled_drop_alone(account: Account, sqs_event: Event) -> None:
    account.push()
    deliver(account, sqs_event("put"))
    (drop,) = drops(account)
    account.ledger.settle("credit", drop.id, "accepted", run="credit-202010-x-1")
    deliver(account, sqs_event("put"))
    assert drops(account)[0].state == "accepted"
    assert len(account.executions()) == 1


def test_a_crash_between_claim_and_start_is_resumed(
    account: Account, sqs_event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.push()
    states = clients.client("stepfunctions")
    with monkeypatch.context() as crash:
        crash.setattr(states, "start_execution", _refuse("ThrottlingException"))
        failed = deliver(account, sqs_event("put"))
    assert failed == [sqs_event("put")["Records"][0]["messageId"]]
    assert drops(account)[0].state == "claimed"
    assert deliver(account, sqs_event("put")) == []
    assert drops(account)[0].state == "started"
    assert len(account.executions()) == 1


def test_a_crash_after_start_is_recognised_as_ours(account: Account, sqs_event: Event) -> None:
    account.push()
    deliver(account, sqs_event("put"))
    (drop,) = drops(account)
    # the ledger never heard of the start, and the execution ended meanwhile
    account.stop(str(drop.execution))
    _rewind(account, drop)
    assert deliver(account, sqs_event("put")) == []
    (resumed,) = drops(account)
    assert (resumed.state, resumed.execution) == ("started", drop.execution)
    assert len(account.executions()) == 1


def test_an_execution_of_our_name_that_is_not_ours_is_not_assumed(
    account: Account, sqs_event: Event
) -> None:
    account.push()
    drop = drop_id(DROPS, "credit/20201001.csv", "3HL4kqtJvjVBH40Nrjfkd.Oexample1")
    account.start(f"credit-202010-{drop[:8]}-1", project="credit", drop="another")
    assert len(deliver(account, sqs_event("put"))) == 1
    assert drops(account)[0].state == "claimed"


def test_s3s_test_event_is_ignored(account: Account, sqs_event: Event) -> None:
    account.push()
    assert deliver(account, sqs_event("test_event")) == []
    assert account.executions() == []


def test_folder_markers_are_ignored(account: Account, sqs_event: Event) -> None:
    account.push()
    assert deliver(account, sqs_event("folder_marker")) == []
    assert (account.executions(), drops(account), account.mails()) == ([], [], [])


@pytest.mark.parametrize(("name", "period"), [("multipart", "initial"), ("copy", "202011")])
def test_every_way_of_creating_an_object_counts(
    account: Account, sqs_event: Event, name: str, period: str
) -> None:
    account.push()
    assert deliver(account, sqs_event(name)) == []
    (execution,) = account.executions()
    assert execution["name"].startswith(f"credit-{period}-")


def test_events_that_create_nothing_are_ignored(account: Account, sqs_event: Event) -> None:
    account.push()
    event = sqs_event("put")
    text = event["Records"][0]["body"]
    event["Records"][0]["body"] = text.replace("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert deliver(account, event) == []
    assert drops(account) == []


def test_all_records_of_a_message_are_taken(account: Account, sqs_event: Event) -> None:
    account.push()
    assert deliver(account, sqs_event("several_records")) == []
    assert {e["name"].split("-")[1] for e in account.executions()} == {"202010", "202011", "202012"}


def test_encoded_keys_are_decoded(account: Account, sqs_event: Event) -> None:
    account.push()
    assert deliver(account, sqs_event("encoded_keys")) == []
    assert {drop.key for drop in drops(account)} == {
        "credit/from the bank/20201001 (final).csv",
        "credit/a+b/20201101.csv",
        "credit/審査データ/20201201.csv",
    }
    assert len(account.executions()) == 3


@pytest.mark.parametrize(
    ("name", "project", "code", "said"),
    [
        ("zero_bytes", "credit", "empty_file", "0 bytes"),
        ("unknown_project", "churn_eu", "unknown_project", "dropforge push churn_eu"),
    ],
)
def test_what_cannot_run_is_quarantined_with_one_mail(
    account: Account, sqs_event: Event, name: str, project: str, code: str, said: str
) -> None:
    account.push()
    for _ in range(3):
        assert deliver(account, sqs_event(name)) == []
    (drop,) = drops(account, project)
    assert (drop.state, [reason.code for reason in drop.reasons]) == ("quarantined", [code])
    (key,) = account.lake_keys("quarantine/")
    assert key.startswith(f"quarantine/{project}/") and key.endswith(f"{drop.id}/reasons.json")
    explained = json.loads(account.client("s3").get_object(Bucket=LAKE, Key=key)["Body"].read())
    assert explained["file"] == {"bucket": DROPS, "key": drop.key, "version": drop.version}
    assert explained["reasons"][0]["code"] == code
    (mail,) = account.mails()
    assert mail["project"] == project and mail["event"] == "failures"
    assert said in mail["body"] and drop.key in mail["body"] and "drop it again" in mail["body"]
    assert drop.mailed_by == drop.settled_by
    assert account.executions() == []


def test_bad_keys_are_quarantined_each_with_its_reason(account: Account, sqs_event: Event) -> None:
    account.push()
    assert deliver(account, sqs_event("bad_keys")) == []
    found = {drop.key: drop.reasons[0].code for p in ("credit", "-") for drop in drops(account, p)}
    assert found == {
        "20201001.csv": "invalid_key",
        "credit/20201001.docx": "invalid_key",
        "credit/october.csv": "no_period",
    }
    assert len(account.mails()) == 3
    assert account.executions() == []


def test_a_quarantine_whose_mail_failed_is_repeated(
    account: Account, sqs_event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.push()
    with monkeypatch.context() as outage:
        outage.setattr(clients.client("sns"), "publish", _refuse("InternalError"))
        assert len(deliver(account, sqs_event("zero_bytes"))) == 1
    assert drops(account)[0].state == "claimed"
    assert deliver(account, sqs_event("zero_bytes")) == []
    assert drops(account)[0].state == "quarantined"
    assert len(account.mails()) == 1


def test_one_bad_message_does_not_hold_up_the_others(account: Account, sqs_event: Event) -> None:
    account.push()
    event = sqs_event("one_bad_one_good")
    assert deliver(account, event) == [event["Records"][0]["messageId"]]
    assert len(account.executions()) == 1


def test_a_message_that_is_not_json_goes_back_to_the_queue(
    account: Account, sqs_event: Event
) -> None:
    event = sqs_event("not_json")
    assert deliver(account, event) == [event["Records"][0]["messageId"]]


def test_a_project_that_was_pushed_but_is_gone_from_the_lake_is_no_quarantine(
    account: Account, sqs_event: Event
) -> None:
    spec = account.push()
    place = layout.project_spec(LAKE, "credit", spec.version)
    account.client("s3").delete_object(Bucket=LAKE, Key=place.key)
    assert len(deliver(account, sqs_event("put"))) == 1
    assert drops(account)[0].state == "claimed"
    assert account.mails() == []


def test_a_reopened_drop_runs_under_a_new_name(account: Account, sqs_event: Event) -> None:
    account.push()
    deliver(account, sqs_event("put"))
    (drop,) = drops(account)
    account.ledger.settle("credit", drop.id, "failed", run="credit-202010-x-1")
    account.ledger.reopen(account.ledger.drops("credit")[0])
    deliver(account, sqs_event("put"))
    assert {e["name"][-2:] for e in account.executions()} == {"-1", "-2"}


# Digits before the period would make it another word; surrogates are no text that UTF-8 knows.
WORD = st.characters(exclude_categories=["Cs", "Nd"], exclude_characters="/")


@given(
    folders=st.lists(st.text(WORD, min_size=1, max_size=12), max_size=3),
    word=st.text(WORD, max_size=8),
)
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_key_of_the_contract_arrives_as_it_was_dropped(
    account: Account, folders: list[str], word: str
) -> None:
    key = "/".join(["credit", *folders, f"{word}20201001.csv"])
    body = arrival_event(key)["Records"][0]["body"]
    (arrival,) = arrivals(body)
    assert arrival.key == key
    assert arrival.drop == drop_id(DROPS, key, "v1")


@given(body=st.one_of(st.text(), st.builds(json.dumps, st.dictionaries(st.text(), st.integers()))))
def test_whatever_is_no_notification_is_refused_as_such(body: str) -> None:
    with pytest.raises(UnknownMessage):
        list(arrivals(body))


def test_an_unversioned_object_has_the_version_null() -> None:
    body = json.loads(read_event("sqs/put.json")["Records"][0]["body"])
    del body["Records"][0]["s3"]["object"]["versionId"]
    (arrival,) = arrivals(json.dumps(body))
    assert arrival.version == "null"


def _rewind(account: Account, drop: DropRecord) -> None:
    """Put a drop back to where the ledger was before the start was noted."""
    account.client("dynamodb").update_item(
        TableName="dropforge-dev-Ledger",
        Key={"pk": {"S": "project#credit"}, "sk": {"S": f"drop#{drop.id}"}},
        UpdateExpression="SET #s = :claimed REMOVE execution",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":claimed": {"S": "claimed"}},
    )


def _refuse(code: str) -> Callable[..., None]:
    def call(**arguments: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "not now"}}, "AnyOperation")

    return call
