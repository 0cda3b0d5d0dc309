"""`mail`: the local mailbox, and on AWS who is subscribed."""

import json
from pathlib import Path

import boto3
import pytest

from dropforge.cli.session import Session
from local.mailbox import Mailbox

from .conftest import Dropforge


@pytest.fixture
def mailbox(aws: None, tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "home" / "mail")


def test_empty(mailbox: Mailbox, dropforge: Dropforge) -> None:
    assert "No mails yet" in dropforge("mail").stdout
    result = dropforge("mail", "newest")
    assert result.exit_code == 1
    assert "mailbox is empty" in result.stderr


def test_list_newest_and_show(mailbox: Mailbox, dropforge: Dropforge) -> None:
    mailbox.deliver("a@example.com", "[churn/dev] HELD 202010", "HELD: why.\n\nFiles:\n", "arn")
    mailbox.deliver("b@example.com", "[churn/dev] PROMOTED 202011", "PROMOTED: why.\n", "arn")
    listed = dropforge("mail").stdout.splitlines()
    assert "a@example.com" in listed[1] and "HELD 202010" in listed[1]
    assert "b@example.com" in listed[2]
    newest = dropforge("mail", "newest").stdout
    assert newest.splitlines()[1] == "Subject: [churn/dev] PROMOTED 202011"
    assert "HELD: why.\n\nFiles:\n" in dropforge("mail", "show", "1").stdout
    result = dropforge("mail", "show", "3")
    assert result.exit_code == 1 and "the mailbox has 2" in result.stderr


def test_list_as_json(mailbox: Mailbox, dropforge: Dropforge) -> None:
    mailbox.deliver("a@example.com", "subject", "body", "arn")
    (mail,) = json.loads(dropforge("mail", "list", "--json").stdout)
    assert (mail["number"], mail["to"], mail["subject"]) == (1, "a@example.com", "subject")
    assert Path(mail["file"]).is_file()


def test_on_aws_the_subscribers_are_told(session: Session, dropforge: Dropforge) -> None:
    assert "nobody" in dropforge("mail", "list", "--cloud", "aws").stdout
    boto3.client("sns").subscribe(
        TopicArn=session.stack.topic_arn, Protocol="email", Endpoint="a@example.com"
    )
    assert "a@example.com: confirmed" in dropforge("mail", "list", "--cloud", "aws").stdout
