"""What may arrive in the bucket: again, oddly named, broken. Each ends in a state, with a mail."""

import json

import pytest

from dropforge.dropkey import drop_id
from dropforge.drops import DropRecord
from dropforge.ledger import ProjectPointer
from tests.flow.account import Account, wait_for
from tests.flow.conftest import Push
from tests.flow.customers import customers

GOOD = customers(600, seed=11)


@pytest.fixture(scope="module")
def project(account: Account, push: Push) -> str:
    """A project that no deployment knew of: pushed, and its first file runs."""
    before = account.client("cloudformation").describe_stacks(StackName="dropforge-dev")
    push("contract")
    assert isinstance(account.ledger.project("contract"), ProjectPointer)
    first = account.drop_and_wait("contract/initial.csv", GOOD)
    after = account.client("cloudformation").describe_stacks(StackName="dropforge-dev")
    assert first.state == "accepted"
    assert before["Stacks"][0].get("LastUpdatedTime") == after["Stacks"][0].get("LastUpdatedTime")
    said = [mail.body for mail in account.mails("[contract/")]
    assert account.ledger.champion("contract") is not None, said
    return "contract"


def test_the_same_event_three_times_starts_one_run(account: Account, project: str) -> None:
    key = f"{project}/20201001.csv"
    drop = account.drop(key, customers(300, seed=11))
    bucket = account.outputs["DropBucket"]
    version = account.client("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    assert drop_id(bucket, key, version) == drop
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": key, "size": 1, "versionId": version, "sequencer": "0"},
        },
    }
    for _ in range(2):
        account.client("sqs").send_message(
            QueueUrl=account.outputs["DropQueueUrl"], MessageBody=json.dumps({"Records": [record]})
        )
    settled = account.settled(project, drop)
    assert settled.state == "accepted"
    _queue_is_empty(account)
    started = [e for e in account.executions(project) if json.loads(e["input"])["drop"] == drop]
    assert len(started) == 1
    assert len(account.mails("[contract/dev]")) == 2  # the history's and this one's


def test_a_key_with_a_space_a_plus_and_japanese(account: Account, project: str) -> None:
    key = f"{project}/十一月 の データ/a+b 2020-11.csv"
    settled = account.drop_and_wait(key, customers(300, seed=12))
    assert (settled.state, settled.key, settled.period) == ("accepted", key, "202011")


def test_the_same_bytes_again_change_nothing(account: Account, project: str) -> None:
    champion = account.ledger.champion(project)
    settled = account.drop_and_wait(f"{project}/initial.csv", GOOD)
    assert settled.state == "duplicate"
    assert account.ledger.champion(project) == champion
    assert account.mail("[contract/dev] DUPLICATE initial.csv")


def _no_id() -> bytes:
    return GOOD.replace(b"customer_id", b"client", 1)


def _broken_quote() -> bytes:
    lines = customers(300, seed=13).split(b"\n")
    lines[6] = lines[6].replace(b",", b',"', 2)
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("20210201.csv", b"", ["empty"]),
        ("20210301.csv", _no_id(), ["customer_id"]),
        ("20210401.csv", _broken_quote(), ["line 7", "quot"]),
        ("customers.csv", GOOD, ["period"]),
    ],
    ids=["zero bytes", "no id", "broken quote", "no period"],
)
def test_a_bad_file_is_quarantined_and_nothing_else_changes(
    account: Account, project: str, name: str, body: bytes, said: list[str]
) -> None:
    before = _standing(account, project)
    settled = account.drop_and_wait(f"{project}/{name}", body)
    assert settled.state == "quarantined"
    mail = account.mail(f"QUARANTINED {name}")
    for words in said:
        assert words in mail.body.lower()
    assert _reasons_file(account, settled)
    assert _standing(account, project) == before


def test_a_file_for_an_unknown_project_is_quarantined(account: Account) -> None:
    settled = account.settled("nobody", account.drop("nobody/20201001.csv", GOOD))
    assert settled.state == "quarantined"
    assert settled.execution is None
    mail = account.mail("[nobody/dev] QUARANTINED 20201001.csv")
    assert "dropforge push" in mail.body
    assert account.executions("nobody") == []


def test_a_key_outside_any_folder_is_quarantined(account: Account) -> None:
    drop = account.drop("20201001.csv", GOOD)
    assert account.settled("-", drop).state == "quarantined"
    assert account.mail("[-/dev] QUARANTINED 20201001.csv")


def test_a_claim_without_a_start_is_taken_up_by_the_next_delivery(
    account: Account, project: str
) -> None:
    mappings = account.client("lambda")
    queue = account.outputs["DropQueueUrl"].rsplit("/", 1)[-1]
    (mapping,) = [
        m
        for m in mappings.list_event_source_mappings()["EventSourceMappings"]
        if m["EventSourceArn"].endswith(f":{queue}")
    ]
    mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        drop = account.drop(f"{project}/20201201.csv", customers(300, seed=14))
        _claimed_by_a_function_that_died(account, project, drop)
    finally:
        mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    settled = account.settled(project, drop)
    assert (settled.state, settled.attempt) == ("accepted", 1)


def _claimed_by_a_function_that_died(account: Account, project: str, drop: str) -> None:
    bucket, key = account.outputs["DropBucket"], f"{project}/20201201.csv"
    head = account.client("s3").head_object(Bucket=bucket, Key=key)
    at = head["LastModified"]
    account.ledger.claim(
        DropRecord(
            id=drop,
            project=project,
            bucket=bucket,
            key=key,
            version=head["VersionId"],
            state="claimed",
            created_at=at,
            updated_at=at,
        )
    )


def _standing(account: Account, project: str) -> tuple[object, ...]:
    ledger = account.ledger
    history = [k for k in account.keys(f"lake/{project}/history/_delta_log/")]
    return ledger.champion(project), ledger.models(project), history, ledger.training_due(project)


def _reasons_file(account: Account, drop: DropRecord) -> list[str]:
    keys = account.keys(f"quarantine/{drop.project}/")
    return [key for key in keys if drop.id in key and key.endswith("reasons.json")]


def _queue_is_empty(account: Account) -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty() -> bool:
        answer = account.client("sqs").get_queue_attributes(
            QueueUrl=account.outputs["DropQueueUrl"], AttributeNames=names
        )
        return all(answer["Attributes"][name] == "0" for name in names)

    wait_for(empty, 20, "the queue to be empty")
