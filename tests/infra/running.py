"""A small interpreter of JSONata state machines, whose tasks answer what a test tells them to.

It evaluates every expression as Step Functions does (an undefined result is an error) and records
the arguments of every task, so that they can be checked as requests.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

MAX_STEPS = 2000


class Raises(Exception):
    """A task that failed for good, after its retries."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause


@dataclass
class Visit:
    """One task that ran."""

    state: str
    resource: str
    arguments: Any


@dataclass
class Execution:
    """How an execution went."""

    status: str = "RUNNING"
    error: str | None = None
    cause: str | None = None
    output: Any = None
    states: list[str] = field(default_factory=list)
    tasks: list[Visit] = field(default_factory=list)

    def arguments(self, state: str) -> Any:
        """The arguments of a task's last run."""
        return [task.arguments for task in self.tasks if task.state == state][-1]

    def payload(self, state: str) -> Any:
        """What a function was given."""
        return self.arguments(state)["Payload"]


Answer = Any | Callable[[Any], Any]


def run(
    definition: dict[str, Any],
    given: dict[str, Any],
    answers: dict[str, Answer | list[Answer]],
    name: str = "credit-202012-0a1b2c3d-1",
    arn: str = "arn:aws:states:eu-central-1:123456789012:execution:dropforge-dev-pipeline:",
) -> Execution:
    """Run a machine. A state's answers in a list are used in turn, the last one for good."""
    execution = Execution()
    variables: dict[str, Any] = {}
    context = {"Execution": {"Name": name, "Id": f"{arn}{name}", "RedriveCount": 0}}
    current, value = definition["StartAt"], given
    queues = {state: list(a) if isinstance(a, list) else [a] for state, a in answers.items()}
    for _ in range(MAX_STEPS):
        state = definition["States"][current]
        execution.states.append(current)
        scope = _Scope(variables, context | {"State": {"Name": current, "RetryCount": 0}}, value)
        kind = state["Type"]
        if kind == "Succeed":
            execution.status = "SUCCEEDED"
            execution.output = scope.evaluate(state.get("Output", value))
            return execution
        if kind == "Fail":
            execution.status = "FAILED"
            execution.error = scope.evaluate(state["Error"])
            execution.cause = scope.evaluate(state["Cause"])
            return execution
        taken = state
        following = state.get("Next")
        if kind == "Task":
            arguments = scope.evaluate(state.get("Arguments", {}))
            execution.tasks.append(Visit(current, state["Resource"], arguments))
            answer = queues[current].pop(0) if len(queues[current]) > 1 else queues[current][0]
            answer = answer(arguments) if callable(answer) else answer
            if isinstance(answer, Raises):
                taken = state["Catch"][0]
                following = taken["Next"]
                scope.error = {"Error": answer.error, "Cause": answer.cause}
            elif state["Resource"].endswith("lambda:invoke"):
                scope.result = {"Payload": answer, "StatusCode": 200}
            else:
                scope.result = answer
        elif kind == "Choice":
            following = state["Default"]
            for choice in state["Choices"]:
                held = scope.evaluate(choice["Condition"])
                assert isinstance(held, bool), f"{current}: {choice['Condition']} is {held!r}"
                if held:
                    taken, following = choice, choice["Next"]
                    break
        elif kind == "Wait":
            seconds = scope.evaluate(state["Seconds"])
            assert seconds == int(seconds) and 0 <= seconds <= 99_999_999, f"{current}: {seconds}"
        value = scope.evaluate(taken.get("Output", value))
        assigned = {k: scope.evaluate(v) for k, v in taken.get("Assign", {}).items()}
        variables.update(assigned)
        assert following is not None, f"{current} leads nowhere"
        current = following
    raise AssertionError(f"no end after {MAX_STEPS} states: …{execution.states[-12:]}")


@dataclass
class _Scope:
    """What expressions of a state can see."""

    variables: dict[str, Any]
    context: dict[str, Any]
    value: Any
    result: Any = None
    error: Any = None

    def evaluate(self, template: Any) -> Any:
        """A JSON template with its expressions evaluated."""
        if isinstance(template, dict):
            return {key: self.evaluate(item) for key, item in template.items()}
        if isinstance(template, list):
            return [self.evaluate(item) for item in template]
        if isinstance(template, str) and template.startswith("{%") and template.endswith("%}"):
            return self._expression(template[2:-2].strip())
        return template

    def _expression(self, source: str) -> Any:
        bindings = {
            name: Utils.NULL_VALUE if value is None else value
            for name, value in self.variables.items()
        }
        states = {"input": self.value, "context": self.context}
        if self.result is not None:
            states["result"] = self.result
        if self.error is not None:
            states["errorOutput"] = self.error
        bindings["states"] = states
        value = _evaluate(source, bindings)
        if value is None:
            assert _evaluate(f"$exists(({source}))", bindings), f"undefined: {source}"
        return value


def _evaluate(source: str, bindings: dict[str, Any]) -> Any:
    expression = Jsonata(source)
    expression.register_lambda("hash", _hash)
    return expression.evaluate(None, bindings)


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), text.encode()).hexdigest()
