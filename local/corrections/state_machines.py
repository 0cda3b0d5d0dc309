"""Step Functions: roles, names, retries, stopping, nesting and logging as on AWS.

Each correction says what the emulator does instead; its contract test, with the AWS page, stands
in tests/local_cloud/test_state_machines.py.
"""

import contextvars
import json
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions as sfn

from local import integrations
from local.corrections import execution_logs

JobEnded = Callable[[str, str, float], bool]

_execution: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "execution", default=None
)
_timed_out: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "timed_out", default=None
)
# What States.ALL does not catch.
_UNCATCHABLE = ("States.DataLimitExceeded", "States.Runtime")
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
_POLL = 0.02


class _Stopped(BaseException):
    """Ends the thread of an execution that was stopped; nothing may catch it on the way."""


def install(job_ended: JobEnded) -> None:
    """Puts the corrections in place. `job_ended` waits for a SageMaker job."""
    _act_as_the_machines_role(job_ended)
    _stop_at_once()
    _start_idempotently()
    _complete_the_context()
    _assign_from_the_old_values()
    _retry_with_limits_and_jitter()
    _catch_what_can_be_caught()
    execution_logs.install()


def _act_as_the_machines_role(job_ended: JobEnded) -> None:
    """Tasks are calls made with the machine's role (the emulator calls itself, unauthorised)."""

    def invoke_resource(resource: str, arguments: Any) -> Any:
        execution = _execution.get()
        assert execution is not None
        machine = sfn._state_machines[execution["stateMachineArn"]]
        timed_out = _timed_out.get()

        def cancelled() -> bool:
            return execution["status"] != "RUNNING" or (
                timed_out is not None and timed_out.is_set()
            )

        def submitted(result: dict[str, Any]) -> None:
            sfn._add_event(
                execution,
                "TaskSubmitted",
                {
                    "taskSubmittedEventDetails": {
                        "resource": resource,
                        "output": json.dumps(result, default=str),
                    }
                },
            )

        if cancelled():
            raise _Stopped
        call = integrations.Call(
            machine["roleArn"], machine["name"], cancelled, submitted, job_ended, _execution_ended
        )
        try:
            if ":function:" in resource:
                return integrations.invoke_function(resource, arguments, call)
            if integrations.known(resource):
                return integrations.run(resource, arguments, call)
        except integrations.TaskFailed as failure:
            raise sfn._ExecutionError(failure.error, failure.cause) from failure
        except integrations.Cancelled as stop:
            raise _Stopped from stop
        raise sfn._ExecutionError(
            "States.Runtime", f"The local cloud has no integration {resource}"
        )

    def with_timeout(resource: str, arguments: Any, timeout: float) -> Any:
        token = _timed_out.set(threading.Event())
        event = _timed_out.get()
        try:
            return original_with_timeout(resource, arguments, timeout)
        except sfn._ExecutionError as error:
            if error.error == "States.Timeout" and event is not None:
                event.set()
            raise
        finally:
            _timed_out.reset(token)

    original_with_timeout = sfn._invoke_resource_with_timeout
    sfn._invoke_resource = invoke_resource
    sfn._invoke_resource_with_timeout = with_timeout


def _execution_ended(arn: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while sfn._executions[arn]["status"] == "RUNNING":
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _stop_at_once() -> None:
    """A stopped execution stays ABORTED, its work is cancelled; TimeoutSeconds of a machine holds.

    The emulator finishes the state and may overwrite ABORTED with FAILED. It also rests 0.15 s
    before the first state, and cannot be woken in a Wait.
    """
    run, fail = sfn._run_execution, sfn._fail_execution

    def run_execution(arn: str) -> None:
        execution = sfn._executions.get(arn)
        _execution.set(execution)
        timer = _machine_timer(execution)
        try:
            run(arn)
        except _Stopped:
            return
        finally:
            if timer:
                timer.cancel()

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def scaled_sleep(seconds: float) -> None:
        execution = _execution.get()
        deadline = time.monotonic() + seconds * sfn._SFN_WAIT_SCALE
        while (left := deadline - time.monotonic()) > 0:
            if execution is not None and execution["status"] != "RUNNING":
                raise _Stopped
            time.sleep(min(left, _POLL))

    sfn._run_execution = run_execution
    sfn._fail_execution = fail_execution
    sfn._scaled_sleep = scaled_sleep
    sfn.time = _Time()


class _Time:
    """The module `time` without the emulator's rest before the first state."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        if seconds != 0.15:
            time.sleep(seconds)


def _machine_timer(execution: dict[str, Any] | None) -> threading.Timer | None:
    """A timer that ends the execution as TIMED_OUT, if the machine sets TimeoutSeconds."""
    machine = sfn._state_machines.get(execution["stateMachineArn"]) if execution else None
    seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    if execution is None or seconds is None:
        return None

    def expire() -> None:
        if execution["status"] == "RUNNING":
            execution.update(status="TIMED_OUT", stopDate=now_iso())
            sfn._add_event(
                execution,
                "ExecutionTimedOut",
                {"executionTimedOutEventDetails": {"error": "States.Timeout"}},
            )
            sfn._emit_execution_status_event(execution)

    context = contextvars.copy_context()
    timer = threading.Timer(seconds, context.run, args=(expire,))
    timer.daemon = True
    timer.start()
    return timer


def _start_idempotently() -> None:
    """Same name and input while running: the same execution (the emulator refuses it)."""
    start = sfn._start_execution

    def start_execution(data: dict[str, Any]) -> Any:
        name = data.get("name")
        if name is not None and not _NAME.fullmatch(name):
            return error_response_json("InvalidName", f"Invalid Name: '{name}'", 400)
        try:
            json.loads(data.get("input", "{}"))
        except json.JSONDecodeError as error:
            return error_response_json(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400
            )
        machine = sfn._state_machines.get(
            sfn._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        )
        if machine and name:
            arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
            running = sfn._executions.get(arn)
            if (
                running
                and running["status"] == "RUNNING"
                and running["input"] == data.get("input", "{}")
            ):
                return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(data)

    sfn._start_execution = start_execution


def _complete_the_context() -> None:
    """`$states.context` has RedriveCount and RoleArn (the emulator leaves them out)."""
    evaluate = sfn._evaluate_jsonata

    def evaluate_jsonata(
        expression: str,
        raw_input: Any,
        ctx: Any = None,
        result: Any = None,
        error_output: Any = None,
    ) -> Any:
        if ctx and "Execution" in ctx:
            machine = sfn._state_machines.get(ctx["StateMachine"]["Id"])
            ctx["Execution"].setdefault("RedriveCount", 0)
            ctx["Execution"].setdefault("RoleArn", machine["roleArn"] if machine else "")
        return evaluate(expression, raw_input, ctx, result, error_output)

    sfn._evaluate_jsonata = evaluate_jsonata


def _assign_from_the_old_values() -> None:
    """All of a state's Assign sees the values from before it (the emulator goes one by one)."""

    def apply_state_assign(
        state: dict[str, Any],
        raw_input: Any,
        ctx: Any,
        result: Any = None,
        error_output: Any = None,
    ) -> None:
        if ctx is None or sfn._state_query_language(state, ctx) != "JSONata":
            return
        assigned = {
            name: sfn._apply_jsonata_template(
                template, raw_input, ctx, result=result, error_output=error_output
            )
            for name, template in (state.get("Assign") or {}).items()
        }
        ctx.setdefault("variables", {}).update(assigned)

    sfn._apply_state_assign = apply_state_assign


def resume() -> None:
    """Announces executions that a restart has ended (the emulator fails them silently).

    So what listens to "Step Functions Execution Status Change" hears of them.
    """
    for execution in list(sfn._executions.all_values()):
        if execution.get("error") == "States.ServiceRestart" and not execution.get("announced"):
            execution["announced"] = True
            sfn._emit_execution_status_event(execution)


def _retry_with_limits_and_jitter() -> None:
    """MaxDelaySeconds and JitterStrategy FULL count (the emulator ignores both)."""
    find = sfn._find_matching_retrier

    def find_matching_retrier(retriers: Any, error: str, counts: dict[int, int]) -> Any:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(
            index, 0
        )
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    sfn._find_matching_retrier = find_matching_retrier


def _catch_what_can_be_caught() -> None:
    """States.ALL does not match States.Runtime and States.DataLimitExceeded (there it does)."""
    matches = sfn._error_matches

    def error_matches(names: list[str], error: str) -> bool:
        if error in _UNCATCHABLE and error not in names:
            return False
        return bool(matches(names, error))

    sfn._error_matches = error_matches
