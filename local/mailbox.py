"""The mailbox: what SNS would mail, one .eml file a mail (RFC 5322, UTF-8)."""

import email
import email.policy
import email.utils
import itertools
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"


@dataclass(frozen=True)
class Mail:
    """A mail as it was delivered."""

    path: Path
    sender: str
    recipient: str
    subject: str
    date: datetime
    body: str


class Mailbox:
    """A folder of .eml files; their names sort by time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial = itertools.count()

    def deliver(self, recipient: str, subject: str, body: str, topic_arn: str) -> Path:
        """Writes a mail; the path of its file."""
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"] = SENDER
        message["To"] = recipient
        message["Subject"] = subject or "AWS Notification Message"
        message["Date"] = email.utils.localtime()
        message["Message-ID"] = f"<{uuid.uuid4()}@sns.amazonaws.com>"
        message["X-Topic-Arn"] = topic_arn
        message.set_content(body, charset="utf-8", cte="8bit")
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{next(self._serial):06d}.eml"
        draft = self._folder / (name + ".tmp")
        draft.write_bytes(message.as_bytes())
        return draft.rename(self._folder / name)

    def list(self, recipient: str | None = None) -> list[Mail]:
        """All mails, oldest first; only those of one recipient if given."""
        mails = [_read(path) for path in sorted(self._folder.glob("*.eml"))]
        return [mail for mail in mails if recipient is None or mail.recipient == recipient]

    def newest(self, recipient: str | None = None) -> Mail | None:
        """The last mail, None if there is none."""
        mails = self.list(recipient)
        return mails[-1] if mails else None

    def clear(self) -> None:
        """Removes every mail."""
        for path in self._folder.glob("*.eml"):
            path.unlink()


def _read(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body()
    text = body.get_content() if body is not None else ""
    return Mail(
        path,
        str(message["From"]),
        str(message["To"]),
        str(message["Subject"]),
        email.utils.parsedate_to_datetime(str(message["Date"])),
        str(text).replace("\r\n", "\n"),
    )
