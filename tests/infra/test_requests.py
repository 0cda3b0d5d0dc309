"""Every request of every task, as the machines really make it, against the services' models.

The machines are run (`running.py`) through scenarios that together enter every task.
"""

import copy
from typing import Any

import pytest
from pydantic import BaseModel

from infra.sync_fields import SYNC_TASKS
from lambdas.acquire_lock.taking import LockRequest
from lambdas.decide.handler import DecideRequest
from lambdas.find_champion.handler import ChampionRequest
from lambdas.move_champion.moving import MoveRequest
from lambdas.notify.request import NotifyRequest
from lambdas.plan_endpoint.request import PlanRequest as EndpointRequest
from lambdas.plan_run.request import PlanRequest as RunRequest
from lambdas.register.registering import RegisterRequest
from lambdas.release_lock.handler import ReleaseRequest
from lambdas.smoke_test.checking import SmokeRequest
from tests.infra import scenarios as say
from tests.infra.requests import paths, problems
from tests.infra.running import Raises, Visit, run
from tests.infra.template import Template

FUNCTIONS: dict[str, type[BaseModel]] = {
    "acquire-lock": LockRequest,
    "decide": DecideRequest,
    "find-champion": ChampionRequest,
    "move-champion": MoveRequest,
    "notify": NotifyRequest,
    "plan-endpoint": EndpointRequest,
    "plan-run": RunRequest,
    "register": RegisterRequest,
    "release-lock": ReleaseRequest,
    "smoke-test": SmokeRequest,
}


@pytest.fixture(scope="module")
def pipeline_tasks(dev: Template) -> list[Visit]:
    machine = dev.machine("pipeline")
    whole = run(machine, say.DROP_INPUT, say.pipeline_answers())
    first = say.pipeline_answers(FindChampion=say.no_champion())
    unneeded = say.pipeline_answers(AcquireLock=say.lock(acquired=True, covered=True))
    broken = say.pipeline_answers(Prepare=Raises("States.TaskFailed", '{"FailureReason": "x"}'))
    beside = say.pipeline_answers(Register=say.registration(deploy=False, shadow=True))
    runs = [
        whole,
        run(machine, say.DROP_INPUT, beside),
        run(machine, say.TRAIN_INPUT, first, name="by hand, with a name of eighty characters " * 2),
        run(machine, say.DROP_INPUT, unneeded),
        run(machine, say.DROP_INPUT, broken),
    ]
    return [task for execution in runs for task in execution.tasks]


@pytest.fixture(scope="module")
def deployment_tasks(dev: Template) -> list[Visit]:
    machine = dev.machine("deployment")
    previous = say.describe("InService", "credit-dev-v6-01234567")
    moving = say.endpoint_plan("update", **say.SCALED_ON_ANOTHER_TYPE)
    failing = {
        "PlanEndpoint": [say.endpoint_plan("delete"), moving],
        "SmokeTest": Raises("SmokeTestFailed", "{}"),
        "DescribeEndpoint": say.describe("InService"),
        "DescribeRollback": [say.describe("InService"), previous],
    }
    created = {"SmokeTest": Raises("SmokeTestFailed", "{}")}
    moved = failing | {
        "PlanEndpoint": moving,
        "SmokeTest": say.smoke_passed(),
        "MoveChampion": Raises("ChampionMoved", "somebody else"),
    }
    replaced = created | {
        "PlanEndpoint": say.endpoint_plan("replace", restore_endpoint=None),
        "DescribeRollback": previous,
    }
    beside = {"PlanEndpoint": say.shadow_plan(), "DescribeEndpoint": say.describe("InService")}
    runs = [
        run(machine, say.SHADOW_INPUT, say.deployment_answers(**beside)),
        run(machine, say.DEPLOY_INPUT, say.deployment_answers()),
        run(machine, say.DEPLOY_INPUT, say.deployment_answers(**failing)),
        run(machine, say.DEPLOY_INPUT, say.deployment_answers(**created)),
        run(machine, say.DEPLOY_INPUT, say.deployment_answers(**moved)),
        run(machine, say.DEPLOY_INPUT, say.deployment_answers(**replaced)),
    ]
    return [task for execution in runs for task in execution.tasks]


@pytest.fixture(params=["pipeline", "deployment"])
def all_tasks(request: pytest.FixtureRequest, dev: Template) -> list[Visit]:
    """Every task of a machine, none of which the scenarios left out."""
    visited: list[Visit] = request.getfixturevalue(f"{request.param}_tasks")
    states = dev.machine(request.param)["States"]
    missed = {n for n, s in states.items() if s["Type"] == "Task"} - {v.state for v in visited}
    assert missed == set(), f"no scenario enters {missed}"
    return visited


SERVICES = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatch": "cloudwatch",
    "sagemaker": "sagemaker",
}


def test_every_request_is_one_that_its_service_takes(all_tasks: list[Visit]) -> None:
    checked = 0
    for task in all_tasks:
        service, action = task.resource.removesuffix(".sync").split(":")[-2:]
        if service not in SERVICES:
            continue
        checked += 1
        found = problems(SERVICES[service], action[0].upper() + action[1:], task.arguments)
        assert found == [], task.state
    assert checked > 5


def test_every_function_takes_its_payload(all_tasks: list[Visit]) -> None:
    for task in all_tasks:
        if not task.resource.endswith("lambda:invoke"):
            continue
        name = task.arguments["FunctionName"].split("dropforge-dev-")[1]
        kind = FUNCTIONS[name]
        kind.model_validate(task.arguments["Payload"])
        # What a function does not know it ignores: a misspelt field would be lost in silence.
        unknown = set(task.arguments["Payload"]) - set(kind.model_fields)
        assert unknown <= {"execution", "run", "expected_champion"}, task.state


def test_sync_tasks_use_only_fields_that_step_functions_accepts(all_tasks: list[Visit]) -> None:
    for task in all_tasks:
        if ".sync" not in task.resource:
            continue
        accepted = SYNC_TASKS[task.resource].fields
        for path in paths(task.arguments):
            known = path in accepted or any(path.startswith(f"{field}.") for field in accepted)
            known = known or path.rstrip("[]") in accepted
            assert known, f"{task.state}: {path}"


def test_what_sync_does_not_take_goes_through_the_sdk(dev: Template) -> None:
    for name in ("pipeline", "deployment"):
        for state, definition in dev.machine(name)["States"].items():
            resource = definition.get("Resource", "")
            if "sagemaker" in resource:
                assert resource in SYNC_TASKS or ":aws-sdk:sagemaker:" in resource, state


def test_the_list_of_sync_fields_names_its_pages() -> None:
    for task in SYNC_TASKS.values():
        assert task.page.startswith("https://docs.aws.amazon.com/step-functions/")
        assert task.api.startswith("https://docs.aws.amazon.com/")


def test_payloads_carry_places_never_data(all_tasks: list[Visit]) -> None:
    """256 KiB are the limit of a state's payload; ours stay far below."""
    assert max(len(str(task.arguments)) for task in all_tasks) < 16_000


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("ProcessingJobName",), "x" * 64),
        (("ProcessingJobName",), "with.dot"),
        (("RoleArn",), "role"),
        (("ProcessingResources", "ClusterConfig", "InstanceType"), "ml.huge"),
        (("ProcessingResources", "ClusterConfig", "VolumeSizeInGB"), 0),
        (("StoppingCondition", "MaxRuntimeInSeconds"), "3600"),
        (("Unknown",), 1),
        (("Environment", "DROPFORGE_STAGE"), "x" * 257),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_check_finds(place: tuple[str, ...], value: Any, pipeline_tasks: list[Visit]) -> None:
    (prepare, *_) = [task for task in pipeline_tasks if task.state == "Prepare"]
    request = copy.deepcopy(prepare.arguments)
    assert problems("sagemaker", "CreateProcessingJob", request) == []
    at = request
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    assert problems("sagemaker", "CreateProcessingJob", request)
