"""Mails as files."""

from pathlib import Path

from local.mailbox import Mailbox

TOPIC = "arn:aws:sns:us-east-1:000000000000:t"


def test_a_mail_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "mail")
    path = mailbox.deliver(
        "ann@example.com", "[credit/dev] PROMOTED 202012", "Zeile é 月\n二\n", TOPIC
    )
    mail = mailbox.newest()
    assert mail is not None
    assert (mail.path, mail.recipient, mail.subject, mail.body) == (
        path,
        "ann@example.com",
        "[credit/dev] PROMOTED 202012",
        "Zeile é 月\n二\n",
    )
    raw = path.read_bytes()
    for header in (
        b"From: AWS Notifications <no-reply@sns.amazonaws.com>\r\n",
        b"Date: ",
        b"Message-ID: <",
        b'Content-Type: text/plain; charset="utf-8"',
    ):
        assert header in raw


def test_mails_are_in_order_and_by_recipient(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    for number in range(5):
        mailbox.deliver("ann@example.com", f"s{number}", "b", TOPIC)
    mailbox.deliver("bob@example.com", "for bob", "b", TOPIC)
    assert [mail.subject for mail in mailbox.list("ann@example.com")] == [
        "s0",
        "s1",
        "s2",
        "s3",
        "s4",
    ]
    newest = mailbox.newest("bob@example.com")
    assert newest is not None and newest.subject == "for bob"
    mailbox.clear()
    assert mailbox.newest() is None


def test_a_mail_without_subject_gets_sns_own(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.deliver("ann@example.com", "", "b", TOPIC)
    assert mailbox.list()[0].subject == "AWS Notification Message"
