"""Realistic answers of the tasks, made with the functions' own answer types where there are any."""

from typing import Any

from dropforge.project import ProjectSpec
from infra.endpoint_steps import BEFORE, SCALING
from lambdas.acquire_lock.taking import LockAnswer
from lambdas.decide.handler import DecideAnswer
from lambdas.entry import Answer
from lambdas.find_champion.handler import ChampionAnswer
from lambdas.move_champion.moving import MoveAnswer
from lambdas.notify.request import NotifyAnswer
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.planning import plan
from lambdas.plan_endpoint.request import PlanAnswer as EndpointPlan
from lambdas.plan_endpoint.request import PlanRequest as EndpointRequest
from lambdas.plan_run.request import PlanAnswer as RunPlan
from lambdas.register.registering import RegisterAnswer
from lambdas.release_lock.handler import ReleaseAnswer
from lambdas.smoke_test.checking import SmokeAnswer
from tests.infra.template import ACCOUNT, REGION

PROJECT = "credit"
PROJECT_VERSION = "0123456789abcdef"
RUN = "credit-202012-0a1b2c3d-1"
LAKE = "dropforge-dev-storagelake72898626"
ARTIFACT = f"s3://{LAKE}/models/{PROJECT}/{RUN}/{RUN}-train-1-0-0-0/output/model/"
CHAMPION_ARTIFACT = f"s3://{LAKE}/models/{PROJECT}/older/older-train-1-0-0-0/output/model/"
REFERENCE_ARTIFACT = f"s3://{LAKE}/models/{PROJECT}/first/j/output/model/"
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/credit-dev/7"
JOB_TYPES = ["ml.m5.xlarge", "ml.m5.2xlarge"]

DROP_INPUT = {
    "project": PROJECT,
    "project_version": PROJECT_VERSION,
    "trigger": "drop",
    "drop": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
}
TRAIN_INPUT = {"project": PROJECT, "project_version": PROJECT_VERSION, "trigger": "train"}
DEPLOY_INPUT = {
    "project": PROJECT,
    "project_version": PROJECT_VERSION,
    "run": RUN,
    "model_package_arn": PACKAGE,
    "version": "7",
    "artifact_uri": ARTIFACT,
    "expected_champion": "6",
    "reason": "promote",
}


def told(answer: Answer) -> dict[str, Any]:
    """An answer as the function gives it."""
    return answer.model_dump(mode="json")


def plan_run(**changes: Any) -> dict[str, Any]:
    fields = {
        "again": False,
        "train": True,
        "score": True,
        "snapshot_uri": f"s3://{LAKE}/runs/{PROJECT}/{RUN}/snapshot-1",
        "scoring_uri": f"s3://{LAKE}/runs/{PROJECT}/{RUN}/scoring-1",
        "processing_instance_types": JOB_TYPES,
        "training_instance_types": ["ml.c5.2xlarge"],
    }
    return told(RunPlan.model_validate(fields | changes))


def champion() -> dict[str, Any]:
    return told(
        ChampionAnswer(
            exists=True,
            version="6",
            model_package_arn=PACKAGE,
            artifact_uri=CHAMPION_ARTIFACT,
            reference_exists=True,
            reference_version="1",
            reference_artifact_uri=REFERENCE_ARTIFACT,
        )
    )


def champion_alone() -> dict[str, Any]:
    """The champion is the first model that was ever promoted: there is no other reference."""
    return told(
        ChampionAnswer(
            exists=True, version="1", model_package_arn=PACKAGE, artifact_uri=CHAMPION_ARTIFACT
        )
    )


def no_champion() -> dict[str, Any]:
    return told(ChampionAnswer(exists=False))


def lock(acquired: bool = True, covered: bool = False) -> dict[str, Any]:
    return told(LockAnswer(acquired=acquired, covered=covered))


def registration(deploy: bool = True, shadow: bool = False) -> dict[str, Any]:
    other = "PendingManualApproval" if shadow else "Rejected"
    return told(
        RegisterAnswer(
            model_package_arn=PACKAGE,
            version="7",
            status="Approved" if deploy else other,
            deploy=deploy,
            expected_champion="6",
            shadow=shadow,
        )
    )


def training(status: str = "Completed", **more: Any) -> dict[str, Any]:
    job = f"{RUN}-train-1-0-0-0"
    described = {"TrainingJobName": job, "TrainingJobStatus": status, "SecondaryStatus": status}
    if status == "Completed":
        described["ModelArtifacts"] = {"S3ModelArtifacts": ARTIFACT}
    return described | more


def pipeline_answers(**changes: Any) -> dict[str, Any]:
    """A run in which everything happens and goes well."""
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/"
    answers: dict[str, Any] = {
        "AcquireLock": lock(),
        "ReleaseUnneededLock": told(ReleaseAnswer(released=True)),
        "Prepare": {"ProcessingJobStatus": "Completed"},
        "PlanRun": plan_run(),
        "FindChampion": champion(),
        "Train": lambda request: {"TrainingJobArn": arn + request["TrainingJobName"]},
        "DescribeTraining": [training("InProgress"), training("InProgress"), training()],
        "Evaluate": {"ProcessingJobStatus": "Completed"},
        "Decide": told(
            DecideAnswer(
                verdict="PROMOTE",
                verdict_uri=f"s3://{LAKE}/runs/{PROJECT}/{RUN}/verdict.json",
                headline="better",
            )
        ),
        "Register": registration(),
        "Deploy": {"Status": "SUCCEEDED", "Output": {"champion": "7"}},
        "Shadow": {"Status": "SUCCEEDED", "Output": {"champion": "6"}},
        "FindChampionToScore": champion(),
        "Score": {"ProcessingJobStatus": "Completed"},
        "ReleaseLock": told(ReleaseAnswer(released=True)),
        "Notify": told(NotifyAnswer(sent=True)),
        "NotifyFailure": told(NotifyAnswer(sent=True)),
    }
    return answers | changes


def endpoint_plan(action: str = "create", **changes: Any) -> dict[str, Any]:
    """What plan_endpoint really answers for a real-time project, with another action."""
    spec = ProjectSpec.model_validate(
        {
            "name": PROJECT,
            "target": "TARGET",
            "id": "SK_ID_CURR",
            "endpoint": "realtime",
            "resources": {"endpoint": "ml.m5.large"},
            "features": {"keep": ["AMT_CREDIT"]},
        }
    )
    source = {"S3Uri": ARTIFACT, "S3DataType": "S3Prefix", "CompressionType": "None"}
    observed = Observed(
        spec,
        "dev",
        LAKE,
        f"arn:aws:iam::{ACCOUNT}:role/endpoint",
        container={
            "Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/dropforge:1",
            "ModelDataSource": {"S3DataSource": source},
        },
    )
    fields = {k: v for k, v in DEPLOY_INPUT.items() if k in EndpointRequest.model_fields}
    planned = told(plan(observed, EndpointRequest.model_validate(fields)))
    previous = None if action == "create" else "credit-dev-v6-01234567"
    back = {
        "EndpointName": "credit-dev",
        "EndpointConfigName": previous,
        "RetainAllVariantProperties": True,
    }
    anew = planned["create_endpoint"] | {"EndpointConfigName": previous}
    planned |= {
        "previous_config": previous,
        "restore_endpoint": back if previous else None,
        "recreate_endpoint": anew if previous else None,
    }
    changed = planned | {"action": action} | changes
    return told(EndpointPlan.model_validate(changed))


CHAMPION_PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/credit-dev/6"
SHADOW_INPUT = DEPLOY_INPUT | {
    "version": "5",
    "expected_champion": "5",
    "reason": "shadow",
    "shadow": {"ask": "awaited"},
}
"""A change of the shadow of version 5, which by the time of the plan is champion no more."""


def shadow_plan(action: str = "update", **changes: Any) -> dict[str, Any]:
    """The plan of version 7 as the shadow of 6."""
    planned = endpoint_plan(action)
    fields = {
        "version": "6",
        "model_package_arn": CHAMPION_PACKAGE,
        "artifact_uri": CHAMPION_ARTIFACT,
        "shadow": {"version": "7", "percent": 10},
        "create_shadow_model": planned["create_model"],
        "shadowmodel_exists": False,
    }
    return told(EndpointPlan.model_validate(planned | fields | changes))


TARGET = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/credit-dev/variant/main",
}


def step(action: str, **request: Any) -> dict[str, Any]:
    """One further call of a plan, as plan_endpoint answers it."""
    return {"action": action, "request": request}


ALARM = step(
    "put_alarm",
    AlarmName="credit-dev-5xx",
    EvaluationPeriods=1,
    ComparisonOperator="GreaterThanThreshold",
)
SCALED = [
    step("register", **TARGET, MinCapacity=1, MaxCapacity=4),
    step("put_policy", **TARGET, PolicyName="busy", PolicyType="TargetTrackingScaling"),
    step("put_schedule", **TARGET, ScheduledActionName="mornings", Schedule="cron(0 7 * * ? *)"),
]
SCALED_ON_ANOTHER_TYPE: dict[str, Any] = {
    "before": [ALARM, step("deregister", **TARGET)],
    "after": [*SCALED, step("deregister", **TARGET)],
    "undo": [SCALED[0], step("deregister", **TARGET), *SCALED],
}
"""Every further call that a plan can ask for; plans ask for some of them."""


def smoke_passed() -> dict[str, Any]:
    return told(SmokeAnswer(checks=["golden rows", "bad input"]))


def describe(status: str, config: str | None = None) -> dict[str, Any]:
    planned = endpoint_plan()["config_name"]
    return {"EndpointStatus": status, "EndpointConfigName": config or planned}


def found(*statuses: str) -> list[dict[str, Any]]:
    """What ListEndpoints answers, look after look; `gone` is an endpoint that is not there."""
    beside = {"EndpointName": "old-credit-dev", "EndpointStatus": "InService"}
    return [
        {"Endpoints": [beside]}
        if status == "gone"
        else {"Endpoints": [{"EndpointName": "credit-dev", "EndpointStatus": status}, beside]}
        for status in statuses
    ]


def deployment_answers(**changes: Any) -> dict[str, Any]:
    """A first deployment that goes well."""
    answers: dict[str, Any] = {
        "AcquireLock": lock(),
        "PlanEndpoint": endpoint_plan(),
        "CreateModel": {},
        "CreateShadowModel": {},
        "CreateEndpointConfig": {},
        "CreateEndpoint": {},
        "UpdateEndpoint": {},
        "DeleteFailedEndpoint": {},
        "DeleteEndpoint": {},
        "DescribeEndpoint": [describe("Creating"), describe("InService")],
        "SmokeTest": smoke_passed(),
        "MoveChampion": told(MoveAnswer(champion="7", previous="6", removed=[])),
        "ReleaseLock": told(ReleaseAnswer(released=True)),
        "ReleaseLockAfterFailure": told(ReleaseAnswer(released=True)),
        "RestorePreviousConfig": {},
        "NotifyFailure": told(NotifyAnswer(sent=True)),
        "Notify": told(NotifyAnswer(sent=True)),
        "TakeScalingOff": {},
    }
    for name in ("Replace", "Remake"):
        answers[f"{name}Look"] = found("InService", "Deleting", "gone")
        answers |= {f"{name}Delete": {}, f"{name}Create": {}}
    steps = {"Before": BEFORE, "After": SCALING, "Undo": SCALING}
    for name, actions in steps.items():
        for action in actions:
            answers[name + "".join(word.capitalize() for word in action.split("_"))] = {}
    return answers | changes
