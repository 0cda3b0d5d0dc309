"""How a deployment ends: the lock given back, then one mail, whichever way it went."""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.functions import Functions
from infra.machine import RUN, condition, failed, mail_failure
from infra.tasks.common import LAMBDA_TRANSIENT, Task, jsonata, retry
from infra.tasks.function import call_function


class DeploymentEnd:
    """`failure` is entered with `$failure` assigned, `success` once the champion has moved."""

    def __init__(self, scope: Construct, functions: Functions) -> None:
        self._scope = scope
        self._functions = functions
        self.failure: sfn.State = self._failure()

    def success(self) -> sfn.State:
        """From the release of the lock to the end."""
        release = self._release_lock("ReleaseLock")
        done = sfn.Succeed.jsonata(
            self._scope,
            "Done",
            outputs={"champion": jsonata("$version"), "action": jsonata("$plan.action")},
        )
        notify = call_function(
            self._scope,
            "Notify",
            self._functions["notify"],
            payload=RUN | {"execution": jsonata("$execution"), "kind": "result"},
            on_failure=done,
        )
        notify.next(done)
        mails = self._who_mails("WhoMailsSuccess", notify, done)
        # The champion has moved: neither a lock that cannot be given back (it is taken over later)
        # nor a mail that cannot be sent is a reason to put the endpoint back.
        release.add_catch(mails, errors=["States.ALL"], outputs={})
        release.next(mails)
        return release

    def catch(self, task: Task, then: sfn.IChainable | None = None) -> None:
        """The first failure is what the mail is about; what failed after it is added."""
        error = "$states.errorOutput"
        said = f"'{task.state_id}: ' & ($exists({error}.Cause) ? {error}.Cause : {error}.Error)"
        task.add_catch(
            then or self.failure,
            errors=["States.ALL"],
            assign={"failure": _and_then(said)},
            outputs={},
        )

    def add_failure(self, id: str, cause: str) -> sfn.State:
        """A state that adds what went wrong on the way back; `cause` is an expression."""
        told = sfn.Pass.jsonata(self._scope, id, assign={"failure": _and_then(cause)}, outputs={})
        told.next(self.failure)
        return told

    def _failure(self) -> sfn.State:
        end = failed(self._scope)
        notify = mail_failure(self._scope, self._functions["notify"], end)
        mails = self._who_mails("WhoMails", notify, end)
        release = self._release_lock("ReleaseLockAfterFailure")
        self.catch(release, then=mails)
        release.next(mails)
        return release

    def _who_mails(self, id: str, notify: sfn.IChainable, end: sfn.IChainable) -> sfn.State:
        mails = sfn.Choice.jsonata(
            self._scope, id, comment="The pipeline mails about a deployment it started"
        )
        mails.when(condition("$nested"), end)
        mails.otherwise(notify)
        return mails

    def _release_lock(self, id: str) -> tasks.LambdaInvoke:
        task = tasks.LambdaInvoke.jsonata(
            self._scope,
            id,
            lambda_function=self._functions["release_lock"],
            payload=sfn.TaskInput.from_object(
                {
                    "lock": "deployment",
                    "project": jsonata("$project"),
                    "execution": jsonata("$execution"),
                }
            ),
            outputs={},
            task_timeout=sfn.Timeout.duration(self._functions.patience("release_lock")),
            retry_on_service_exceptions=False,
        )
        retry(task, LAMBDA_TRANSIENT)
        return task


def _and_then(expression: str) -> dict[str, str]:
    return {
        "step": jsonata("$failure.step"),
        "error": jsonata("$failure.error"),
        "cause": jsonata(f"$failure.cause & ' Then ' & {expression}"),
        "attempt": jsonata("$failure.attempt"),
    }
