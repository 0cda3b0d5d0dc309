"""How long nobody answers while an endpoint is made again: said before, counted after.

AWS promises no time. Terraform's acceptance tests, each of which makes and deletes one, take
190 to 210 seconds (https://github.com/hashicorp/terraform-provider-aws/pull/48966).
"""

import datetime as dt
from itertools import islice

from dropforge.cli import executions
from dropforge.cli.history import Step, read_history
from dropforge.cli.session import Session
from dropforge.mail import spoken_duration

LOOKED_AT = 5
"""So many deployments are looked through for one that started an endpoint."""

_STARTS = ("CreateEndpoint", "UpdateEndpoint", "ReplaceCreate")
_SERVES = ("SmokeTest", "UndoSteps")
"""The states that follow when the new endpoint, or the old one made again, is in service."""


def announce(session: Session, project: str, endpoint: str) -> str:
    """What a replacement costs, with what the project's last deployment took, as a question."""
    took = _last_start(session, project)
    known = f": the last deployment took {spoken_duration(took)} to start one" if took else ""
    return (
        f"If it must become serverless, {endpoint} is deleted and made again. Nobody answers from "
        f"its deletion until another one serves, some minutes on AWS, which promises no time{known}"
        ". Then it is tested; should it fail, the one of now is made again, and nobody answers for "
        "as long once more. Replace it?"
    )


def counted(steps: list[Step]) -> dt.timedelta | None:
    """From the endpoint's deletion until one serves again; None if it was not deleted."""
    return _between(steps, ("ReplaceDelete",))


def _last_start(session: Session, project: str) -> dt.timedelta | None:
    machine = session.stack.deployment_arn
    found = executions.recent(machine, prefix=f"{project}-", status="SUCCEEDED")
    own = (arn for arn in islice(found, LOOKED_AT) if executions.describe(arn).project == project)
    took = (_between(read_history(arn), _STARTS) for arn in own)
    return next((seconds for seconds in took if seconds), None)


def _between(steps: list[Step], starts: tuple[str, ...]) -> dt.timedelta | None:
    """From the end of the first of these states until the endpoint serves."""
    began = next((step.exited for step in steps if step.name in starts), None)
    if began is None:
        return None
    serves = next((s.entered for s in steps if s.name in _SERVES and s.entered >= began), None)
    return serves - began if serves else None
