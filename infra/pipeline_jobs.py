"""The pipeline's jobs: what each is given, and what happens when AWS has no machine for it."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.settings import StageSettings
from infra.tasks.common import jsonata
from infra.tasks.processing import JobDefaults, ProcessingJob, s3_input, s3_output
from infra.tasks.training import TrainingJob

MAX_SHORTAGES = 5
_RUN_ARGUMENTS = ["--project", "$project", "--project-version", "$projectVersion", "--run", "$run"]


class LakeUris:
    """Places in the lake as JSONata expressions; the layout is that of `dropforge/layout.py`."""

    def __init__(self, bucket: str) -> None:
        self._lake = f"s3://{bucket}"

    def run(self, rest: str) -> str:
        """`runs/<project>/<run>/` and what the expression `rest` gives."""
        return f"'{self._lake}/runs/' & $project & '/' & $run & '/' & {rest}"

    def models(self) -> str:
        """`models/<project>/<run>`: SageMaker adds `/<job>/output/model/`."""
        return f"'{self._lake}/models/' & $project & '/' & $run"


class PipelineJobs:
    """The states of the four jobs, and the loop through the instance types."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: StageSettings,
        defaults: JobDefaults,
        training_role: iam.Role,
        uris: LakeUris,
        on_failure: sfn.Choice,
    ) -> None:
        self._scope = scope
        self._runtimes = settings.max_runtime
        self._defaults = defaults
        self._training_role = training_role
        self._uris = uris
        self._on_failure = on_failure
        self._retried: dict[str, sfn.IChainable] = {}

    def prepare(self) -> ProcessingJob:
        """Every pending drop: read, checked, committed to the lake, split."""
        job = ProcessingJob(
            self._scope,
            "Prepare",
            step="prepare",
            defaults=self._defaults,
            arguments=_arguments(
                "--round", "$string($round)", "--trigger", "$trigger", "--execution", "$execution"
            ),
            max_runtime=Duration.minutes(self._runtimes.prepare),
            on_failure=self._on_failure,
            # What waited when the lock was taken; a file too large that came later fails its run,
            # and is started again with the disk that it needs.
            more_disk="$lock.disk_gb",
        )
        self._retried["Prepare"] = job
        return job

    def train(self, then: sfn.IChainable) -> TrainingJob:
        """A challenger, trained without a network."""
        job = TrainingJob(
            self._scope,
            "Training",
            defaults=self._defaults,
            training_role=self._training_role,
            hyperparameters={
                "project": jsonata("$project"),
                "project_version": jsonata("$projectVersion"),
                "run": jsonata("$run"),
            },
            snapshot_uri=jsonata("$plan.snapshot_uri"),
            output_uri=jsonata(self._uris.models()),
            max_runtime=Duration.minutes(self._runtimes.train),
            on_failure=self._on_failure,
            then=then,
        )
        self._retried["Train"] = job.start
        return job

    def evaluate(self) -> ProcessingJob:
        """Challenger, champion and reference model on the same new holdout."""
        inputs = [
            s3_input("artifact", "$training.artifact"),
            s3_input("snapshot", "$plan.snapshot_uri"),
        ]
        champion = s3_input("champion", "$champion.artifact_uri")
        reference = s3_input("reference", "$champion.reference_artifact_uri")
        job = ProcessingJob(
            self._scope,
            "Evaluate",
            step="evaluate",
            defaults=self._defaults,
            arguments=_listed(
                _RUN_ARGUMENTS,
                ("$champion.exists", ["--champion-version", "$champion.version"]),
                (
                    "$champion.reference_exists",
                    ["--reference-version", "$champion.reference_version"],
                ),
            ),
            inputs=_listed(
                inputs,
                ("$champion.exists", [champion]),
                ("$champion.reference_exists", [reference]),
            ),
            outputs=[
                s3_output("artifact", jsonata("$training.artifact")),
                s3_output("evaluation", jsonata(self._uris.run("''"))),
            ],
            max_runtime=Duration.minutes(self._runtimes.evaluate),
            on_failure=self._on_failure,
        )
        self._retried["Evaluate"] = job
        return job

    def score(self) -> ProcessingJob:
        """The unlabelled rows, scored by the champion."""
        job = ProcessingJob(
            self._scope,
            "Score",
            step="score",
            defaults=self._defaults,
            arguments=_arguments(
                "--model-version", "$champion.version", "--round", "$string($round)"
            ),
            inputs=[
                s3_input("artifact", jsonata("$champion.artifact_uri")),
                s3_input("rows", jsonata("$plan.scoring_uri")),
            ],
            max_runtime=Duration.minutes(self._runtimes.score),
            on_failure=self._on_failure,
        )
        self._retried["Score"] = job
        return job

    def route_shortages(self, *, otherwise: sfn.IChainable) -> None:
        """Where AWS has no machine of a type: wait, then the next type of the list."""
        steps = ", ".join(f"'{step}'" for step in self._retried)
        wait = sfn.Wait.jsonata(
            self._scope,
            "WaitForCapacity",
            time=sfn.WaitTime.seconds(jsonata("60 * $shortages")),
            outputs={},
        )
        again = sfn.Choice.jsonata(self._scope, "TryNextType")
        for step, state in self._retried.items():
            again.when(sfn.Condition.jsonata(jsonata(f"$failure.step = '{step}'")), state)
        again.otherwise(otherwise)
        wait.next(again)
        # Under `.sync` a shortage is a States.TaskFailed whose cause holds the FailureReason
        # "CapacityError: …"; a quota of 0 machines is refused at once.
        self._on_failure.when(
            sfn.Condition.jsonata(
                jsonata(
                    f"$failure.step in [{steps}] and $shortages < {MAX_SHORTAGES} and "
                    "($contains($failure.cause, 'CapacityError') or "
                    "$contains($failure.error, 'ResourceLimitExceeded'))"
                )
            ),
            wait,
            assign={"shortages": jsonata("$shortages + 1")},
        )
        self._on_failure.otherwise(otherwise)


def _arguments(*more: str) -> list[str]:
    """A job's arguments: flags as they are, `$…` evaluated."""
    return [jsonata(word) if word.startswith("$") else word for word in (*_RUN_ARGUMENTS, *more)]


def _listed(items: Sequence[object], *optional: tuple[str, Sequence[object]]) -> str:
    """A list whose further items, (if, items), are there only under a condition."""
    listed = f"[{', '.join(map(_literal, items))}]"
    for condition, more in optional:
        listed = f"$append({listed}, {condition} ? [{', '.join(map(_literal, more))}] : [])"
    return jsonata(listed)


def _literal(value: object) -> str:
    """A JSON value as JSONata source, in which `$…` strings are expressions."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"'{key}': {_literal(item)}" for key, item in value.items()) + "}"
    assert isinstance(value, str)
    return value if value.startswith("$") else f"'{value}'"
