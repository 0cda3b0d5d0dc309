"""Mails: the verdict first, then why, then figures, then what to do next. Plain text, no values."""

from dropforge.mail.approval import late_approval_mail, refusal_mail, unfit_approval_mail
from dropforge.mail.deployed import deployed_mail
from dropforge.mail.failure import failure_mail, intake_mail, plain_cause
from dropforge.mail.result import result_mail
from dropforge.mail.shadow import shadow_mail
from dropforge.mail.text import Event, Mail, spoken_duration

__all__ = [
    "Event",
    "Mail",
    "deployed_mail",
    "failure_mail",
    "intake_mail",
    "late_approval_mail",
    "plain_cause",
    "refusal_mail",
    "result_mail",
    "shadow_mail",
    "spoken_duration",
    "unfit_approval_mail",
]
