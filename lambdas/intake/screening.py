"""What can be said of a drop by its key and size alone."""

from dropforge.dropkey import DropKey
from dropforge.drops import Reason
from dropforge.errors import InvalidDropKey, InvalidPeriod
from dropforge.period import Period
from dropforge.project import ProjectSpec

NO_PERIOD = "unknown"
"""Where the quarantine files a drop whose name spells no period."""


class Refused(Exception):
    """The drop goes into quarantine, with these reasons."""

    def __init__(self, reason: Reason, period: str = NO_PERIOD) -> None:
        super().__init__(reason.message)
        self.reason = reason
        self.period = period


def read_key(key: str) -> DropKey:
    """The key taken apart.

    Raises:
        Refused: a key outside the drop contract.
    """
    try:
        return DropKey.parse(key)
    except InvalidDropKey as error:
        raise Refused(Reason(code="invalid_key", message=error.message)) from error


def unknown_project(project: str) -> Refused:
    """The refusal of a file for a project that nobody pushed."""
    return Refused(
        Reason(
            code="unknown_project",
            message=f"The file lies in the folder {project}/, but no project {project!r} was "
            f"pushed. Push it (dropforge push {project}), then drop the file again.",
        )
    )


def screen(spec: ProjectSpec, key: DropKey, size: int) -> Period:
    """The drop's period.

    Raises:
        Refused: the name spells no period, or the file is empty.
    """
    try:
        period = Period.parse(key.stem, spec.period, spec.history)
    except InvalidPeriod as error:
        raise Refused(Reason(code="no_period", message=error.message)) from error
    if size == 0:
        raise Refused(
            Reason(
                code="empty_file",
                message=f"The file {key.name!r} is empty: it holds 0 bytes.",
                line=1,
            ),
            period.canonical,
        )
    return period
