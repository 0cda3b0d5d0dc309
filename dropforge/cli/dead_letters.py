"""Events that intake could not take, back from the dead-letter queue."""

import json
from typing import Any
from urllib.parse import unquote_plus

from dropforge.aws.clients import client
from dropforge.cli.session import Session
from dropforge.dropkey import claimed_project

_HOLD_SECONDS = 30


def replay(session: Session, project: str) -> int:
    """Send a project's dead letters to the drop queue again; answers how many.

    A letter is deleted only after the queue took it: dying in between doubles an event, which
    intake recognises, and never loses one.
    """
    sqs, source = client("sqs"), session.stack.drop_dead_letter_queue_url
    replayed = 0
    others: list[dict[str, Any]] = []
    while letters := sqs.receive_message(
        QueueUrl=source, MaxNumberOfMessages=10, VisibilityTimeout=_HOLD_SECONDS
    ).get("Messages"):
        for letter in letters:
            if project not in projects_of(letter["Body"]):
                others.append(letter)
                continue
            sqs.send_message(QueueUrl=session.stack.drop_queue_url, MessageBody=letter["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"])
            replayed += 1
    for letter in others:
        sqs.change_message_visibility(
            QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0
        )
    return replayed


def count(session: Session) -> int:
    """How many dead letters there are, about."""
    answer = client("sqs").get_queue_attributes(
        QueueUrl=session.stack.drop_dead_letter_queue_url,
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def projects_of(body: str) -> set[str]:
    """The projects that an S3 event notification is about; none if it is something else."""
    try:
        records = json.loads(body).get("Records", [])
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in records]
    except (ValueError, AttributeError, KeyError, TypeError):
        return set()
    return {claimed_project(key) for key in keys}
