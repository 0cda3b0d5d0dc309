"""The pipeline: from pending drops to a judged model, predictions and one mail.

    AcquireLock → Prepare → PlanRun → [train, judge, register, deploy] → [score] → mail

One execution at a time works for a project; the others wait for its lock or find themselves
covered. Whatever fails ends in NotifyFailure and a FAILED execution.
"""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from dropforge.names import machine_name
from infra.challenger import Challenger, find_champion
from infra.functions import Functions
from infra.machine import (
    RUN,
    condition,
    failed,
    given,
    machine_role,
    mail_failure,
    state_machine,
    wait_for_lock,
)
from infra.pipeline_jobs import LakeUris, PipelineJobs
from infra.settings import StageSettings
from infra.tasks.common import jsonata
from infra.tasks.function import FunctionCalls
from infra.tasks.processing import JobDefaults

MAX_ROUNDS = 20


class Pipeline(Construct):
    """The machine `dropforge-<stage>-pipeline`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: StageSettings,
        functions: Functions,
        job_defaults: dict[str, Any],
        training_role: iam.Role,
        lake_bucket: str,
        deployment: sfn.StateMachine,
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._functions = functions
        self._deployment = deployment
        self._uris = LakeUris(lake_bucket)
        role = machine_role(self)
        # Every Catch leads here; `_route_failures` says where it goes on.
        self._failure = sfn.Choice.jsonata(self, "HandleFailure")
        self._calls = FunctionCalls(self, functions, self._failure)
        self._jobs = PipelineJobs(
            self,
            settings=settings,
            defaults=JobDefaults(machine_role=role, **job_defaults),
            training_role=training_role,
            uris=self._uris,
            on_failure=self._failure,
        )
        self.machine = state_machine(
            self,
            name=machine_name(settings.stage, "pipeline"),
            role=role,
            start=self._definition(),
            settings=settings,
            timeout=Duration.days(3),
        )

    def _definition(self) -> sfn.IChainable:
        finish = self._finish()
        score = self._score(finish)
        challenger = Challenger(
            self,
            calls=self._calls,
            jobs=self._jobs,
            uris=self._uris,
            deployment=self._deployment,
            on_failure=self._failure,
            then=score,
        )
        prepare = self._prepare(challenger.start, score)
        self._route_failures()
        return self._start(prepare)

    def _start(self, prepare: sfn.IChainable) -> sfn.IChainable:
        name = "$states.context.Execution.Name"
        start = sfn.Pass.jsonata(
            self,
            "Start",
            assign={
                "project": jsonata("$states.input.project"),
                "projectVersion": jsonata("$states.input.project_version"),
                "trigger": jsonata("$states.input.trigger"),
                "drop": given("drop"),
                "run": jsonata(name),
                "execution": jsonata("$states.context.Execution.Id"),
                # Job names end at 63 characters and know no dots; ours fit, a name typed by hand
                # is cut and told apart by its hash.
                "jobPrefix": jsonata(
                    f"$contains({name}, /^[a-zA-Z0-9][a-zA-Z0-9-]{{0,43}}$/) ? {name} : "
                    f"$substring($replace({name}, /[^a-zA-Z0-9]+/, '-'), 0, 35) & '-' & "
                    f"$substring($hash({name}, 'SHA-256'), 0, 8)"
                ),
                "round": 1,
                "lockTries": 0,
                "shortages": 0,
                "shadowFailure": jsonata("null"),
                "processingTypes": list(self._settings.processing_instance_types),
                "trainingTypes": list(self._settings.processing_instance_types),
            },
            outputs={},
        )
        acquire = self._calls(
            "AcquireLock",
            "acquire_lock",
            {
                "lock": "pipeline",
                "project": jsonata("$project"),
                "execution": jsonata("$execution"),
                "drop": jsonata("$drop"),
                "trigger": jsonata("$trigger"),
            },
            {"lock": jsonata("$states.result.Payload")},
        )
        covered = sfn.Succeed.jsonata(
            self, "Covered", comment="Another run has settled this drop and mails about it"
        )
        release = self._release("ReleaseUnneededLock")
        release.next(covered)
        wait = wait_for_lock(self)
        has_lock = sfn.Choice.jsonata(self, "HasLock")
        has_lock.when(condition("$lock.covered and $lock.acquired"), release)
        has_lock.when(condition("$lock.covered"), covered)
        has_lock.when(condition("$lock.acquired"), prepare)
        has_lock.otherwise(wait)
        wait.next(acquire)
        return start.next(acquire).next(has_lock)

    def _prepare(self, train: sfn.IChainable, score: sfn.IChainable) -> sfn.State:
        prepare = self._jobs.prepare()
        plan = self._calls(
            "PlanRun",
            "plan_run",
            RUN
            | {
                "execution": jsonata("$execution"),
                "round": jsonata("$round"),
                "trigger": jsonata("$trigger"),
            },
            {
                "plan": jsonata("$states.result.Payload"),
                "processingTypes": jsonata("$states.result.Payload.processing_instance_types"),
                "trainingTypes": jsonata("$states.result.Payload.training_instance_types"),
            },
        )
        more = sfn.Choice.jsonata(self, "MorePending")
        more.when(
            condition(f"$plan.again and $round < {MAX_ROUNDS}"),
            prepare,
            assign={"round": jsonata("$round + 1")},
        )
        more.when(condition("$plan.train"), train)
        more.otherwise(score)
        prepare.next(plan)
        plan.next(more)
        return prepare

    def _score(self, finish: sfn.IChainable) -> sfn.State:
        find = find_champion(self._calls, "FindChampionToScore")
        score = self._jobs.score()
        has_champion = sfn.Choice.jsonata(
            self, "HasChampion", comment="Without a model there is nothing to score with"
        )
        has_champion.when(condition("$champion.exists"), score)
        has_champion.otherwise(finish)
        due = sfn.Choice.jsonata(self, "ScoringDue")
        due.when(condition("$plan.score"), find)
        due.otherwise(finish)
        find.next(has_champion)
        score.next(finish)
        return due

    def _finish(self) -> sfn.State:
        release = self._release("ReleaseLock")
        notify = self._calls(
            "Notify",
            "notify",
            RUN
            | {
                "execution": jsonata("$execution"),
                "kind": "result",
                "failure": jsonata("null"),
                "shadow_failure": jsonata("$shadowFailure"),
            },
        )
        release.next(notify)
        notify.next(sfn.Succeed.jsonata(self, "Done"))
        return release

    def _route_failures(self) -> None:
        notify = mail_failure(self, self._functions["notify"], failed(self))
        self._jobs.route_shortages(otherwise=notify)

    def _release(self, id: str) -> tasks.LambdaInvoke:
        return self._calls(
            id,
            "release_lock",
            {
                "lock": "pipeline",
                "project": jsonata("$project"),
                "execution": jsonata("$execution"),
            },
        )
