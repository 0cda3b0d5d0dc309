"""How a deployment begins: its input kept, the project's deployment lock taken."""

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.machine import condition, fail_with, given, wait_for_lock
from infra.tasks.common import jsonata
from infra.tasks.function import FunctionCalls

MAX_LOCK_TRIES = 360


def start_deployment(
    scope: Construct, calls: FunctionCalls, *, then: sfn.IChainable, on_failure: sfn.IChainable
) -> sfn.IChainable:
    """States from `Start` to `HasLock`."""
    start = sfn.Pass.jsonata(
        scope,
        "Start",
        assign={
            "project": jsonata("$states.input.project"),
            "projectVersion": jsonata("$states.input.project_version"),
            "run": jsonata("$states.input.run"),
            "modelPackageArn": jsonata("$states.input.model_package_arn"),
            "version": jsonata("$states.input.version"),
            "artifactUri": jsonata("$states.input.artifact_uri"),
            "expectedChampion": given("expected_champion"),
            "reason": jsonata("$states.input.reason"),
            "shadow": given("shadow"),
            # A person allowed an interruption, should one be needed.
            "replace": jsonata("$states.input.replace = true"),
            "execution": jsonata("$states.context.Execution.Id"),
            # A pipeline mails about its own deployment; nobody else does.
            "nested": jsonata("$exists($states.input.AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID)"),
            "lockTries": 0,
            "polls": 0,
            "changed": "nothing",
            "registered": False,
            "smokeChecks": 0,
        },
        outputs={},
    )
    acquire = calls(
        "AcquireLock",
        "acquire_lock",
        {
            "lock": "deployment",
            "project": jsonata("$project"),
            "execution": jsonata("$execution"),
            "drop": jsonata("null"),
            "trigger": jsonata("$reason"),
        },
        {"lock": jsonata("$states.result.Payload")},
    )
    wait = wait_for_lock(scope)
    never = fail_with(
        scope,
        "LockNeverFree",
        step="AcquireLock",
        error="LockHeld",
        cause="Another deployment of this project held its lock for three hours.",
    )
    has_lock = sfn.Choice.jsonata(scope, "HasLock")
    has_lock.when(condition("$lock.acquired"), then)
    has_lock.when(condition(f"$lockTries < {MAX_LOCK_TRIES}"), wait)
    has_lock.otherwise(never)
    never.next(on_failure)
    wait.next(acquire)
    return start.next(acquire).next(has_lock)
