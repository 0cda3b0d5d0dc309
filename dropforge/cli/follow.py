"""Following a run in the terminal: a line a state as it ends, the running one beside a spinner."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.text import Text

from dropforge.cli import executions
from dropforge.cli.console import line, out, styled
from dropforge.cli.executions import Execution
from dropforge.cli.history import Step, merge_polls, read_history
from dropforge.cli.session import Session
from dropforge.errors import RunFailed
from dropforge.mail import plain_cause, spoken_duration
from dropforge.runs import Failure

SHOWN = {"Task", "Parallel", "Map", "Wait", "Fail"}
"""Types of states that take time or say something; the others only lead from one to the next."""

DEPLOY = "Deploy"
"""The state that starts the nested deployment."""


def follow(session: Session, arn: str) -> bool:
    """Print a run's states until it ends; True if it succeeded."""
    execution = executions.describe(arn)
    line(f"Run {execution.name}", style="bold")
    printer = Printer(session, execution)
    with _spinner() as spinner:
        while True:
            # Described before the history is read: an ended run's history is complete.
            execution = executions.describe(arn)
            running = printer.update()
            if execution.ended:
                break
            if spinner is not None:
                spinner.update(f"{running.name if running else ''} ...")
            time.sleep(session.poll_seconds)
    conclude(execution)
    return execution.status == "SUCCEEDED"


def follow_or_say(session: Session, what: str, name: str, arn: str, wait: bool) -> None:
    """Follow what was started, or say how to.

    Raises:
        RunFailed: it was followed, and failed.
    """
    if not wait:
        say_how(name)
    elif not follow(session, arn):
        raise run_failed(session, what, name)


def say_how(name: str) -> None:
    """Say how to follow a run that nobody waits for."""
    line(f"Next: dropforge run show {name} --follow")


def run_failed(session: Session, what: str, name: str) -> RunFailed:
    """The error of a run, or a deployment, that was followed to a bad end."""
    told = session.told(f"dropforge run show {name}")
    return RunFailed(f"{what} {name} failed.", next_command=told)


def show(session: Session, execution: Execution) -> None:
    """Print a run's states as far as it came."""
    line(f"Run {execution.name}", style="bold")
    running = Printer(session, execution).update()
    if running is not None and not execution.ended:
        line(f"  ...  {running.name}", style="cyan")
    conclude(execution)


def conclude(execution: Execution) -> None:
    """Print how a run stands, and why it failed if it did."""
    took = ""
    if execution.ended_at:
        took = f" in {spoken_duration(execution.ended_at - execution.started_at)}"
    out.print(Text.assemble("  ", styled(execution.status), took))
    if execution.error or execution.cause:
        failure = Failure(step="", error=execution.error or "?", cause=execution.cause or "")
        line(f"  {plain_cause(failure)}", style="red")


class Printer:
    """Prints the steps of one execution, each once, those of its nested deployment indented."""

    def __init__(self, session: Session, execution: Execution, indent: str = "  ") -> None:
        self._session = session
        self._execution = execution
        self._indent = indent
        self._printed = 0
        self._nested: Printer | None = None

    def update(self) -> Step | None:
        """Print what ended since the last call; answers the step that runs now."""
        steps = merge_polls(read_history(self._execution.arn))
        running = None
        for step in steps[self._printed :]:
            inner = self._update_nested() if step.name == DEPLOY else None
            if step.exited is None and not _is_last_word(step):
                running = inner or step
                break
            self._print(step)
            self._printed += 1
        return running

    def _update_nested(self) -> Step | None:
        if self._nested is None:
            arn = executions.nested(self._session, self._execution)
            if arn is None:
                return None
            self._nested = Printer(self._session, executions.describe(arn), self._indent + "     ")
        return self._nested.update()

    def _print(self, step: Step) -> None:
        if step.type not in SHOWN:
            return
        failed = step.type == "Fail" or step.given_up
        took = "" if step.seconds is None else f"{step.seconds:7.1f} s"
        mark = Text("fail", style="red") if failed else Text("ok  ", style="green")
        out.print(Text.assemble(self._indent, mark, " ", f"{step.name:<22}", took), soft_wrap=True)
        for error, cause in step.failures:
            said = plain_cause(Failure(step=step.name, error=error, cause=cause))
            line(f"{self._indent}     {error}: {said}", style="red")


def _is_last_word(step: Step) -> bool:
    """A Fail state has no exit event, nor has a task whose error nothing caught."""
    return step.type == "Fail"


def _spinner() -> AbstractContextManager[Any]:
    return out.status("starting ...") if out.is_terminal else nullcontext()
