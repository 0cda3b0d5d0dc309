"""What every state of both machines must have, whatever it does."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.template import Template

JSONPATH_ONLY = {
    "InputPath",
    "OutputPath",
    "Parameters",
    "ResultPath",
    "ResultSelector",
    "SecondsPath",
    "TimestampPath",
    "CausePath",
    "ErrorPath",
}
AFTER_THE_LAST_WORD = {"ReleaseLock", "Notify"}
"""The deployment's ReleaseLock: the champion has moved, its failure fails nothing."""

BESIDE_THE_RUN = "Shadow"
"""The verdict stands: a model that cannot be a shadow fails no run, and the run's mail says it."""


def tasks(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    found = [(n, s) for n, s in machine["States"].items() if s["Type"] == "Task"]
    assert len(found) > 5
    return iter(found)


def nested(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nested(item)
    elif isinstance(value, list):
        for item in value:
            yield from nested(item)


def following(state: dict[str, Any]) -> set[str]:
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way["Next"] for way in ways if "Next" in way} | (
        {state["Default"]} if "Default" in state else set()
    )


def test_machines_are_jsonata_throughout(machine: dict[str, Any]) -> None:
    assert machine["QueryLanguage"] == "JSONata"
    for name, state in machine["States"].items():
        assert state.get("QueryLanguage", "JSONata") == "JSONata", name
        for part in [state, *state.get("Choices", []), *state.get("Catch", [])]:
            assert not JSONPATH_ONLY & set(part), name


def test_nothing_is_passed_on_as_a_literal_dollar(machine: dict[str, Any]) -> None:
    for part in nested(machine):
        wrong = [k for k, v in part.items() if isinstance(v, str) and v.strip().startswith("$")]
        assert wrong == [], part


def test_every_task_has_a_timeout(machine: dict[str, Any]) -> None:
    for name, state in tasks(machine):
        assert isinstance(state["TimeoutSeconds"], int) and state["TimeoutSeconds"] > 0, name


def test_a_task_outlives_its_job_by_half_an_hour(dev: Template) -> None:
    jobs = 0
    for name, state in tasks(dev.machine("pipeline")):
        limit = state["Arguments"].get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        if state["Resource"].endswith(".sync") and limit:
            jobs += 1
            assert state["TimeoutSeconds"] >= limit + 1800, name
    assert jobs == 3


def test_a_task_outlives_its_function(machine: dict[str, Any], dev: Template) -> None:
    functions = dev.of_type("AWS::Lambda::Function")
    timeouts = {dev.arn(id): f["Properties"].get("Timeout", 3) for id, f in functions.items()}
    for name, state in tasks(machine):
        if state["Resource"].endswith("lambda:invoke"):
            assert state["TimeoutSeconds"] > timeouts[state["Arguments"]["FunctionName"]], name


def test_the_nested_machine_ends_before_the_task_that_waits_for_it(dev: Template) -> None:
    deploy = dev.machine("pipeline")["States"]["Deploy"]
    assert deploy["TimeoutSeconds"] > dev.machine("deployment")["TimeoutSeconds"]


def test_every_task_retries_with_backoff_and_jitter(machine: dict[str, Any]) -> None:
    for name, state in tasks(machine):
        assert state["Retry"], name
        for retrier in state["Retry"]:
            assert retrier["BackoffRate"] > 1, name
            assert retrier["JitterStrategy"] == "FULL", name
            assert retrier["MaxDelaySeconds"] <= 60, name
            assert 3 <= retrier["MaxAttempts"] <= 10, name
            assert "States.ALL" not in retrier["ErrorEquals"], name
            assert "States.TaskFailed" not in retrier["ErrorEquals"], name


def test_every_task_retries_what_its_service_throws_when_throttled(machine: dict[str, Any]) -> None:
    throttled = {
        "lambda:invoke": "Lambda.TooManyRequestsException",
        "sagemaker:": "SageMaker.SageMakerException",
        "cloudwatch": "CloudWatch.CloudWatchException",
        "applicationautoscaling": "ApplicationAutoScaling.ApplicationAutoScalingException",
        "startExecution": "StepFunctions.ThrottlingException",
    }
    for name, state in tasks(machine):
        (error,) = [e for service, e in throttled.items() if service in state["Resource"]]
        assert any(error in retrier["ErrorEquals"] for retrier in state["Retry"]), name


def test_every_task_catches_everything(machine: dict[str, Any]) -> None:
    for name, state in tasks(machine):
        assert [c["ErrorEquals"] for c in state["Catch"]] == [["States.ALL"]], name


def test_what_is_caught_is_kept_for_the_mail(machine: dict[str, Any]) -> None:
    for name, state in tasks(machine):
        catcher = state["Catch"][0]
        if name in ("NotifyFailure", "ReleaseLock") and "Assign" not in catcher:
            continue
        kept = "shadowFailure" if name == BESIDE_THE_RUN else "failure"
        assert set(catcher["Assign"][kept]) == {"step", "error", "cause", "attempt"}, name


@pytest.mark.parametrize("name", ["pipeline", "deployment"])
def test_every_catch_can_only_end_in_a_failed_execution(name: str, dev: Template) -> None:
    """No way from a Catch reaches a Succeed, but through a task that was retried on purpose."""
    states = dev.machine(name)["States"]
    recovers = {"WaitForCapacity", "ModelRefused", "ShadowModelRefused", "ConfigRefused"}
    recovers |= {"CreateRefused", "ReplaceRefused"}
    for task, state in states.items():
        if state["Type"] != "Task" or (name == "deployment" and task in AFTER_THE_LAST_WORD):
            continue
        if task == BESIDE_THE_RUN:
            continue
        reached, todo = set(), [state["Catch"][0]["Next"]]
        while todo:
            at = todo.pop()
            if at in reached or at in recovers:
                continue
            reached.add(at)
            todo += following(states[at])
        ends = {states[at]["Type"] for at in reached} & {"Succeed", "Fail"}
        assert ends <= {"Fail"}, f"{task} is caught and ends in {sorted(reached)}"


def test_every_state_is_reached_and_every_way_leads_somewhere(machine: dict[str, Any]) -> None:
    states = machine["States"]
    reached, todo = set(), [machine["StartAt"]]
    while todo:
        at = todo.pop()
        if at not in reached:
            reached.add(at)
            todo += following(states[at])
    assert reached == set(states)
    for name, state in states.items():
        assert following(state) or state["Type"] in ("Succeed", "Fail"), name


def test_names_are_short_enough(machine: dict[str, Any]) -> None:
    assert max(map(len, machine["States"])) <= 80


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_machines_are_named_logged_and_traced(stage: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(stage)
    machines = template.of_type("AWS::StepFunctions::StateMachine").values()
    names = {m["Properties"]["StateMachineName"] for m in machines}
    assert names == {f"dropforge-{stage}-pipeline", f"dropforge-{stage}-deployment"}
    groups = template.of_type("AWS::Logs::LogGroup")
    for machine in machines:
        properties = machine["Properties"]
        assert properties["TracingConfiguration"] == {"Enabled": True}
        logging = properties["LoggingConfiguration"]
        assert logging["Level"] == "ALL"
        assert logging["IncludeExecutionData"] is (stage != "prod")
        (destination,) = logging["Destinations"]
        arn = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]
        (group,) = [g["Properties"] for id, g in groups.items() if template.arn(id) == arn]
        expected = f"/aws/vendedlogs/states/{properties['StateMachineName']}"
        assert group["LogGroupName"] == expected
