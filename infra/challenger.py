"""The challenger: trained, judged against the champion, registered and, if it won, deployed."""

from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.deployment import DEPLOYMENT_TIMEOUT
from infra.machine import RUN, condition
from infra.pipeline_jobs import LakeUris, PipelineJobs
from infra.tasks.common import SLACK, STEPFUNCTIONS_TRANSIENT, catch, caught, jsonata, retry
from infra.tasks.function import FunctionCalls


class Challenger:
    """States from `FindChampion` to `Deploy`; enter at `start`."""

    def __init__(
        self,
        scope: Construct,
        *,
        calls: FunctionCalls,
        jobs: PipelineJobs,
        uris: LakeUris,
        deployment: sfn.StateMachine,
        on_failure: sfn.IChainable,
        then: sfn.IChainable,
    ) -> None:
        self._scope = scope
        self._calls = calls
        self._jobs = jobs
        self._uris = uris
        self._deployment = deployment
        self._on_failure = on_failure
        self.start = self._train_and_judge(then)

    def _train_and_judge(self, then: sfn.IChainable) -> sfn.State:
        find = find_champion(self._calls, "FindChampion")
        evaluate = self._jobs.evaluate()
        training = self._jobs.train(then=evaluate)
        evaluation_uri = jsonata(self._uris.run("'evaluation.json'"))
        decide = self._calls(
            "Decide",
            "decide",
            RUN | {"evaluation_uri": evaluation_uri},
            {"decision": jsonata("$states.result.Payload")},
        )
        register = self._calls(
            "Register",
            "register",
            RUN
            | {
                "artifact_uri": jsonata("$training.artifact"),
                "verdict_uri": jsonata("$decision.verdict_uri"),
                "evaluation_uri": evaluation_uri,
                "training_job": jsonata("$training.name"),
                "round": jsonata("$round"),
            },
            {"registration": jsonata("$states.result.Payload")},
        )
        deploy, shadow = self._deploy(), self._shadow(then)
        needs_deployment = sfn.Choice.jsonata(self._scope, "DeploymentDue")
        needs_deployment.when(condition("$registration.deploy"), deploy)
        needs_deployment.when(condition("$registration.shadow"), shadow)
        needs_deployment.otherwise(then)
        find.next(training.start)
        evaluate.next(decide)
        decide.next(register)
        register.next(needs_deployment)
        deploy.next(then)
        shadow.next(then)
        return find

    def _deploy(self) -> tasks.StepFunctionsStartExecution:
        task = self._deployment_of(
            "Deploy",
            {
                "model_package_arn": jsonata("$registration.model_package_arn"),
                "version": jsonata("$registration.version"),
                "artifact_uri": jsonata("$training.artifact"),
                "expected_champion": jsonata("$registration.expected_champion"),
                "reason": "promote",
            },
        )
        catch(task, self._on_failure)
        return task

    def _shadow(self, then: sfn.IChainable) -> tasks.StepFunctionsStartExecution:
        """The model that awaits approval, beside the champion. The verdict stands without it: a
        shadow that cannot be is only told.
        """
        task = self._deployment_of(
            "Shadow",
            {
                "model_package_arn": jsonata("$champion.model_package_arn"),
                "version": jsonata("$champion.version"),
                "artifact_uri": jsonata("$champion.artifact_uri"),
                "expected_champion": jsonata("$champion.version"),
                "reason": "shadow",
                "shadow": {"ask": "awaited"},
            },
        )
        task.add_catch(
            then, errors=["States.ALL"], assign={"shadowFailure": caught("Shadow")}, outputs={}
        )
        return task

    def _deployment_of(self, id: str, given: dict[str, Any]) -> tasks.StepFunctionsStartExecution:
        # The input is written out: without one the CDK would emit the literal "$".
        task = tasks.StepFunctionsStartExecution.jsonata(
            self._scope,
            id,
            state_machine=self._deployment,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            name=jsonata(
                f"$jobPrefix & '-{id.lower()}-' & $string($states.context.State.RetryCount) & '-' "
                "& $string($exists($states.context.Execution.RedriveCount) ? "
                "$states.context.Execution.RedriveCount : 0)"
            ),
            input=sfn.TaskInput.from_object(
                RUN
                | given
                | {
                    # Ties the two executions together in the console
                    # (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html).
                    "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": jsonata("$execution"),
                }
            ),
            outputs={},
            task_timeout=sfn.Timeout.duration(DEPLOYMENT_TIMEOUT.plus(SLACK)),
        )
        retry(task, STEPFUNCTIONS_TRANSIENT)
        return task


def find_champion(calls: FunctionCalls, id: str) -> tasks.LambdaInvoke:
    """Who is the champion now, and which the reference model? Kept as `$champion`."""
    return calls(
        id,
        "find_champion",
        {"project": jsonata("$project"), "reference": jsonata("$plan.reference")},
        {"champion": jsonata("$states.result.Payload")},
    )
