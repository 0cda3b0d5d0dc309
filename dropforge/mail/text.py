"""Subjects, durations and layout of a mail's text."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from dropforge.commands import in_stage
from dropforge.runs import RunStory

Event = Literal["results", "failures", "approvals"]


@dataclass(frozen=True)
class Mail:
    """One mail. `event` chooses who receives it."""

    event: Event
    subject: str
    body: str


def subject(text: str) -> str:
    """What SNS takes as a subject: ASCII, one line, under 100 characters.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    ascii_text = one_line(text).encode("ascii", "replace").decode()
    return ascii_text if len(ascii_text) < 100 else ascii_text[:96] + "..."


def one_line(text: str) -> str:
    """The text without line breaks and repeated spaces."""
    return " ".join(text.split())


def join(parts: list[list[str]], stage: str) -> str:
    """A body: parts of lines, an empty line between parts; our commands name the stage."""
    return in_stage("\n\n".join("\n".join(part) for part in parts if part) + "\n", stage)


def spoken_duration(duration: dt.timedelta) -> str:
    """`8 s`, `6 min 12 s`, `2 h 3 min`."""
    seconds = max(0, round(duration.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def took(story: RunStory) -> str:
    """How long a run took, in words."""
    return spoken_duration(story.duration)
