"""Which states a deployment goes through, and how it puts things back, run state by state."""

from typing import Any

import pytest

from tests.infra import scenarios as say
from tests.infra.running import Execution, Raises, run
from tests.infra.template import Template

PREVIOUS = "credit-dev-v6-01234567"
FAILED_TEST = Raises("SmokeTestFailed", "row 3 differs")


@pytest.fixture(scope="module")
def deployment(dev: Template) -> dict[str, Any]:
    return dev.machine("deployment")


def go(deployment: dict[str, Any], nested: bool = False, **changes: Any) -> Execution:
    given = dict(say.DEPLOY_INPUT)
    if nested:
        given["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"] = "arn:of:the:pipeline"
    return run(deployment, given, say.deployment_answers(**changes))


def update(deployment: dict[str, Any], **changes: Any) -> Execution:
    return go(deployment, **{"PlanEndpoint": say.endpoint_plan("update"), **changes})


def states(execution: Execution) -> list[str]:
    return [task.state for task in execution.tasks if task.state != "DescribeEndpoint"]


def test_a_first_deployment_creates_everything(deployment: dict[str, Any]) -> None:
    execution = go(deployment)
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"champion": "7", "action": "create"}
    assert states(execution) == [
        "AcquireLock",
        "PlanEndpoint",
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
        "SmokeTest",
        "MoveChampion",
        "ReleaseLock",
        "Notify",
    ]
    plan = say.endpoint_plan()
    assert execution.arguments("CreateModel") == plan["create_model"]
    assert execution.arguments("CreateEndpointConfig") == plan["create_endpoint_config"]
    assert execution.payload("MoveChampion") == {
        **{k: v for k, v in say.DEPLOY_INPUT.items() if k != "reason"},
        "config_name": plan["config_name"],
        "endpoint": "credit-dev",
        "action": "create",
        "smoke_checks": 2,
        "notes": [],
        "shadow": None,
        "for_shadow": False,
    }


def test_an_update_is_guarded_and_keeps_what_was_set(deployment: dict[str, Any]) -> None:
    execution = update(deployment)
    request = execution.arguments("UpdateEndpoint")
    assert request["RetainAllVariantProperties"] is True
    assert "BlueGreenUpdatePolicy" in request["DeploymentConfig"]
    assert execution.payload("MoveChampion")["action"] == "update"


def test_what_exists_is_not_made_again(deployment: dict[str, Any]) -> None:
    plan = say.endpoint_plan("update", model_exists=True, config_exists=True)
    execution = go(deployment, PlanEndpoint=plan)
    assert not {"CreateModel", "CreateEndpointConfig"} & set(states(execution))
    assert execution.status == "SUCCEEDED"


def test_a_repeated_call_that_meets_itself_goes_on(deployment: dict[str, Any]) -> None:
    there = Raises("SageMaker.SageMakerException", "Cannot create already existing model")
    execution = go(deployment, CreateModel=there, CreateEndpointConfig=there)
    assert execution.status == "SUCCEEDED"


def test_a_refused_model_fails(deployment: dict[str, Any]) -> None:
    refused = Raises("SageMaker.SageMakerException", "Could not find model data")
    execution = go(deployment, CreateModel=refused)
    assert (execution.status, execution.cause) == ("FAILED", "Could not find model data")
    assert "DeleteEndpoint" not in states(execution)


def test_a_project_without_an_endpoint_only_moves_the_champion(deployment: dict[str, Any]) -> None:
    plan = say.endpoint_plan("none", config_name=None, notes=["it is still there"])
    execution = go(deployment, PlanEndpoint=plan)
    steps = ["AcquireLock", "PlanEndpoint", "MoveChampion", "ReleaseLock", "Notify"]
    assert states(execution) == steps
    assert execution.payload("MoveChampion")["config_name"] is None
    assert execution.payload("MoveChampion")["notes"] == ["it is still there"]


def test_what_serves_already_is_tested_again(deployment: dict[str, Any]) -> None:
    execution = go(deployment, PlanEndpoint=say.endpoint_plan("unchanged"))
    assert states(execution)[2:] == ["SmokeTest", "MoveChampion", "ReleaseLock", "Notify"]


def test_a_busy_endpoint_is_waited_for(deployment: dict[str, Any]) -> None:
    wait = say.endpoint_plan("wait")
    execution = go(deployment, PlanEndpoint=[wait, wait, say.endpoint_plan("update")])
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("WaitForIdleEndpoint") == 2


def test_a_busy_endpoint_is_not_waited_for_for_ever(deployment: dict[str, Any]) -> None:
    execution = go(deployment, PlanEndpoint=say.endpoint_plan("wait"))
    assert (execution.status, execution.error) == ("FAILED", "EndpointBusy")


def test_a_failed_endpoint_is_deleted_and_made_again(deployment: dict[str, Any]) -> None:
    plans = [say.endpoint_plan("delete"), say.endpoint_plan("wait"), say.endpoint_plan("create")]
    execution = go(deployment, PlanEndpoint=plans)
    assert execution.status == "SUCCEEDED"
    assert execution.arguments("DeleteFailedEndpoint") == {"EndpointName": "credit-dev"}


def test_in_service_on_the_old_config_is_a_failure(deployment: dict[str, Any]) -> None:
    execution = update(
        deployment,
        DescribeEndpoint=[say.describe("Updating", PREVIOUS), say.describe("InService", PREVIOUS)],
        DescribeRollback=say.describe("InService", PREVIOUS),
    )
    assert (execution.status, execution.error) == ("FAILED", "EndpointRolledBack")
    assert not {"RestorePreviousConfig", "MoveChampion"} & set(states(execution))


def test_a_failed_smoke_test_restores_the_previous_config(deployment: dict[str, Any]) -> None:
    execution = update(
        deployment,
        SmokeTest=FAILED_TEST,
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=[
            say.describe("InService"),
            say.describe("Updating"),
            say.describe("InService", PREVIOUS),
        ],
    )
    assert (execution.status, execution.error) == ("FAILED", "SmokeTestFailed")
    assert execution.arguments("RestorePreviousConfig") == {
        "EndpointName": "credit-dev",
        "EndpointConfigName": PREVIOUS,
        "RetainAllVariantProperties": True,
    }
    assert "MoveChampion" not in states(execution)
    assert states(execution)[-2:] == ["ReleaseLockAfterFailure", "NotifyFailure"]


def test_a_failed_smoke_test_deletes_what_this_deployment_created(
    deployment: dict[str, Any],
) -> None:
    execution = go(deployment, SmokeTest=FAILED_TEST)
    assert execution.arguments("DeleteEndpoint") == {"EndpointName": "credit-dev"}
    assert (execution.status, execution.error) == ("FAILED", "SmokeTestFailed")


def test_an_endpoint_that_never_comes_up_fails(deployment: dict[str, Any]) -> None:
    execution = go(deployment, DescribeEndpoint=say.describe("Creating"))
    assert (execution.status, execution.error) == ("FAILED", "EndpointTooSlow")
    assert "DeleteEndpoint" in states(execution)


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed", "OutOfService"])
def test_an_endpoint_that_broke_fails(status: str, deployment: dict[str, Any]) -> None:
    broken = say.describe(status) | {"FailureReason": "the container died"}
    execution = go(deployment, DescribeEndpoint=broken)
    assert (execution.status, execution.error) == ("FAILED", "EndpointFailed")
    assert "the container died" in str(execution.cause)


@pytest.mark.parametrize("status", ["UpdateRollbackFailed", "Failed", "OutOfService"])
def test_a_rollback_that_fails_is_told(status: str, deployment: dict[str, Any]) -> None:
    stuck = say.describe("UpdateRollbackFailed") | {"FailureReason": "both fleets are down"}
    execution = update(
        deployment,
        DescribeEndpoint=stuck,
        DescribeRollback=[stuck, say.describe(status) | {"FailureReason": "gone"}],
    )
    assert execution.status == "FAILED"
    assert "both fleets are down" in str(execution.cause)
    assert f"the previous configuration does not serve: status {status}. gone" in str(
        execution.cause
    )
    assert "Next: dropforge endpoint deploy credit" in str(execution.cause)
    assert states(execution).count("RestorePreviousConfig") == 1
    assert states(execution).count("RemakeCreate") == (status != "UpdateRollbackFailed")


def test_a_champion_that_moved_meanwhile_puts_the_endpoint_back(
    deployment: dict[str, Any],
) -> None:
    execution = update(
        deployment,
        MoveChampion=Raises("ChampionMoved", "somebody else"),
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=[say.describe("InService"), say.describe("InService", PREVIOUS)],
    )
    assert (execution.status, execution.error) == ("FAILED", "ChampionMoved")
    assert "RestorePreviousConfig" in states(execution)


def test_errors_on_the_way_back_are_added_and_the_lock_given_back(
    deployment: dict[str, Any],
) -> None:
    execution = update(
        deployment,
        SmokeTest=FAILED_TEST,
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=Raises("SageMaker.SageMakerException", "Rate exceeded"),
    )
    assert execution.error == "SmokeTestFailed"
    assert execution.cause == "row 3 differs Then DescribeRollback: Rate exceeded"
    assert "ReleaseLockAfterFailure" in states(execution)


@pytest.mark.parametrize("state", ["AcquireLock", "PlanEndpoint", "CreateEndpoint"])
def test_before_the_endpoint_was_touched_there_is_nothing_to_put_back(
    state: str, deployment: dict[str, Any]
) -> None:
    execution = go(deployment, **{state: Raises("SomeError", "why")})
    assert (execution.status, execution.error) == ("FAILED", "SomeError")
    assert not {"DeleteEndpoint", "StartRollback"} & set(execution.states)


def test_a_pipeline_mails_about_its_own_deployment(deployment: dict[str, Any]) -> None:
    assert "NotifyFailure" not in states(go(deployment, nested=True, SmokeTest=FAILED_TEST))
    assert "NotifyFailure" in states(go(deployment, nested=False, SmokeTest=FAILED_TEST))
    assert "Notify" not in states(go(deployment, nested=True))
    assert go(deployment, nested=False).payload("Notify")["kind"] == "result"


def test_a_moved_champion_stays_even_if_the_mail_cannot_be_sent(deployment: dict[str, Any]) -> None:
    execution = go(deployment, Notify=Raises("Lambda.Unknown"))
    assert execution.status == "SUCCEEDED"
    assert "DeleteEndpoint" not in states(execution)


def test_a_lock_that_is_never_free_fails(deployment: dict[str, Any]) -> None:
    execution = go(deployment, AcquireLock=say.lock(acquired=False))
    assert (execution.status, execution.error) == ("FAILED", "LockHeld")


def test_a_moved_champion_stays_even_if_the_lock_is_stuck(deployment: dict[str, Any]) -> None:
    execution = go(deployment, ReleaseLock=Raises("Lambda.Unknown"))
    assert execution.status == "SUCCEEDED"
    assert "DeleteEndpoint" not in states(execution)


def test_a_model_without_predecessor_is_deployed(deployment: dict[str, Any]) -> None:
    given = {k: v for k, v in say.DEPLOY_INPUT.items() if k != "expected_champion"}
    execution = run(deployment, given, say.deployment_answers())
    assert execution.payload("MoveChampion")["expected_champion"] is None


MOVING = say.endpoint_plan("update", **say.SCALED_ON_ANOTHER_TYPE | {"after": say.SCALED})
BACK = [say.describe("InService"), say.describe("InService", PREVIOUS)]


def test_alarms_and_scaling_frame_an_update(deployment: dict[str, Any]) -> None:
    """An alarm must be there before the update, scaling must not; then scaling is put on again."""
    execution = update(deployment, PlanEndpoint=MOVING, DescribeEndpoint=say.describe("InService"))
    assert execution.status == "SUCCEEDED"
    assert states(execution)[4:12] == [
        "BeforePutAlarm",
        "BeforeDeregister",
        "UpdateEndpoint",
        "SmokeTest",
        "AfterRegister",
        "AfterPutPolicy",
        "AfterPutSchedule",
        "MoveChampion",
    ]
    for state, step in (("BeforePutAlarm", say.ALARM), ("AfterRegister", say.SCALED[0])):
        assert execution.arguments(state) == step["request"]


def test_a_first_deployment_is_scaled_once_it_is_tested(deployment: dict[str, Any]) -> None:
    plan = say.endpoint_plan("create", before=[say.ALARM], after=say.SCALED)
    assert states(go(deployment, PlanEndpoint=plan))[4:8] == [
        "CreateEndpoint",
        "SmokeTest",
        "AfterRegister",
        "AfterPutPolicy",
    ]


def test_nothing_to_do_is_a_success_that_says_so(deployment: dict[str, Any]) -> None:
    execution = go(deployment, PlanEndpoint=say.endpoint_plan("unchanged", before=[say.ALARM]))
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"champion": "7", "action": "unchanged"}
    assert "BeforePutAlarm" not in states(execution)


def test_the_test_is_told_variant_and_budget(deployment: dict[str, Any]) -> None:
    plan = say.endpoint_plan("unchanged", target_variant="main", latency_ms=25.0)
    told = go(deployment, PlanEndpoint=plan).payload("SmokeTest")
    assert (told["variant"], told["latency_ms"]) == ("main", 25.0)
    told = go(deployment).payload("SmokeTest")
    assert (told["variant"], told["latency_ms"]) == (None, None)


def test_an_update_that_is_refused_puts_scaling_back(deployment: dict[str, Any]) -> None:
    refused = Raises("SageMaker.SageMakerException", "no such alarm")
    execution = update(deployment, PlanEndpoint=MOVING, UpdateEndpoint=refused)
    assert (execution.status, execution.cause) == ("FAILED", "no such alarm")
    assert states(execution)[-7:-2] == [
        "UndoRegister",
        "UndoDeregister",
        "UndoRegister",
        "UndoPutPolicy",
        "UndoPutSchedule",
    ]
    assert "RestorePreviousConfig" not in states(execution)


def test_a_failed_test_restores_the_config_and_then_its_scaling(
    deployment: dict[str, Any],
) -> None:
    execution = update(
        deployment,
        PlanEndpoint=MOVING,
        SmokeTest=FAILED_TEST,
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=BACK,
    )
    way = states(execution)
    assert way.index("RestorePreviousConfig") < way.index("UndoRegister")
    assert "TakeScalingOff" not in way
    assert (execution.status, execution.error) == ("FAILED", "SmokeTestFailed")


@pytest.mark.parametrize("state", ["AfterPutPolicy", "MoveChampion"])
def test_scaling_that_was_put_on_does_not_forbid_the_way_back(
    state: str, deployment: dict[str, Any]
) -> None:
    """It was registered on the new instance type: SageMaker would refuse the old one."""
    execution = update(
        deployment,
        PlanEndpoint=MOVING,
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=BACK,
        **{state: Raises("SomeError", "why")},
    )
    way = states(execution)
    assert way.index("TakeScalingOff") < way.index("RestorePreviousConfig")
    assert way.index("RestorePreviousConfig") < way.index("UndoRegister")
    assert execution.arguments("TakeScalingOff") == say.TARGET
    assert (execution.status, execution.cause) == ("FAILED", "why")


def test_scaling_of_the_same_instances_stays_on_the_way_back(deployment: dict[str, Any]) -> None:
    plan = say.endpoint_plan("update", before=[say.ALARM], after=say.SCALED, undo=say.SCALED)
    execution = update(
        deployment,
        PlanEndpoint=plan,
        MoveChampion=Raises("ChampionMoved", "somebody else"),
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=BACK,
    )
    assert "TakeScalingOff" not in states(execution)
    assert states(execution)[-5:-2] == ["UndoRegister", "UndoPutPolicy", "UndoPutSchedule"]


def test_scaling_that_failed_beside_an_unchanged_endpoint_is_put_back(
    deployment: dict[str, Any],
) -> None:
    plan = say.endpoint_plan("unchanged", after=say.SCALED, undo=say.SCALED)
    execution = go(deployment, PlanEndpoint=plan, AfterPutPolicy=Raises("SomeError", "why"))
    assert (execution.status, execution.cause) == ("FAILED", "why")
    assert "UndoRegister" in states(execution)
    assert not {"RestorePreviousConfig", "DeleteEndpoint"} & set(states(execution))


def test_scaling_that_cannot_be_put_back_is_told(deployment: dict[str, Any]) -> None:
    execution = update(
        deployment,
        PlanEndpoint=MOVING,
        UpdateEndpoint=Raises("SageMaker.SageMakerException", "refused"),
        UndoRegister=Raises("ApplicationAutoScaling.LimitExceededException", "too many"),
    )
    assert execution.cause == "refused Then UndoRegister: too many"


def test_two_alarms_are_two_calls(deployment: dict[str, Any]) -> None:
    latency = say.step("put_alarm", AlarmName="credit-dev-latency")
    plan = say.endpoint_plan("update", before=[say.ALARM, latency])
    execution = update(deployment, PlanEndpoint=plan, DescribeEndpoint=say.describe("InService"))
    made = [t.arguments["AlarmName"] for t in execution.tasks if t.state == "BeforePutAlarm"]
    assert made == ["credit-dev-5xx", "credit-dev-latency"]


SWITCH = say.endpoint_plan("update", restore_endpoint=None)
REPLACED = say.endpoint_plan("replace", restore_endpoint=None)


def test_a_replacement_waits_until_the_name_is_free(deployment: dict[str, Any]) -> None:
    plan = REPLACED | {"before": [say.step("deregister", **say.TARGET)]}
    execution = go(deployment, PlanEndpoint=plan)
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"champion": "7", "action": "replace"}
    assert states(execution)[4:11] == [
        "BeforeDeregister",
        "ReplaceLook",
        "ReplaceDelete",
        "ReplaceLook",
        "ReplaceLook",
        "ReplaceCreate",
        "SmokeTest",
    ]
    assert execution.arguments("ReplaceCreate") == plan["create_endpoint"]


def test_what_was_given_up_is_not_deleted_twice(deployment: dict[str, Any]) -> None:
    """A list may still show what is being deleted."""
    look = say.found("InService", "InService", "gone")
    execution = go(deployment, PlanEndpoint=REPLACED, ReplaceLook=look)
    assert states(execution).count("ReplaceDelete") == 1
    assert execution.status == "SUCCEEDED"


def test_a_replacement_that_fails_its_test_is_put_back(deployment: dict[str, Any]) -> None:
    plan = REPLACED | {"undo": say.SCALED}
    execution = go(
        deployment,
        PlanEndpoint=plan,
        SmokeTest=FAILED_TEST,
        DescribeRollback=[say.describe("Creating", PREVIOUS), say.describe("InService", PREVIOUS)],
    )
    assert (execution.status, execution.error) == ("FAILED", "SmokeTestFailed")
    assert execution.cause == "row 3 differs"
    assert execution.arguments("RemakeCreate")["EndpointConfigName"] == PREVIOUS
    way = states(execution)
    assert way.index("RemakeCreate") < way.index("UndoRegister")
    assert not {"RestorePreviousConfig", "DeleteEndpoint", "MoveChampion"} & set(way)


@pytest.mark.parametrize("broken", ["ReplaceCreate", "DescribeEndpoint"])
def test_a_replacement_that_does_not_come_up_is_put_back(
    broken: str, deployment: dict[str, Any]
) -> None:
    refused = Raises("SageMaker.SageMakerException", "quota")
    status = say.describe("Failed") | {"FailureReason": "no health"}
    answer = refused if broken == "ReplaceCreate" else status
    look = say.found("gone") if broken == "ReplaceCreate" else say.found("Failed", "gone")
    execution = go(
        deployment,
        PlanEndpoint=REPLACED,
        RemakeLook=look,
        DescribeRollback=say.describe("InService", PREVIOUS),
        **{broken: answer},
    )
    assert execution.status == "FAILED"
    assert "RemakeCreate" in states(execution)
    assert ("RemakeDelete" in states(execution)) is (broken == "DescribeEndpoint")


def test_an_endpoint_that_cannot_be_given_up_is_left(deployment: dict[str, Any]) -> None:
    refused = Raises("SageMaker.SageMakerException", "not authorized")
    execution = go(deployment, PlanEndpoint=REPLACED, ReplaceDelete=refused)
    assert (execution.status, execution.cause) == ("FAILED", "not authorized")
    assert not {"RemakeLook", "ReplaceCreate"} & set(states(execution))


@pytest.mark.parametrize("which", ["Replace", "Remake"])
def test_an_endpoint_that_never_goes_is_told(which: str, deployment: dict[str, Any]) -> None:
    stays = say.found("InService", "Deleting")
    answers = {f"{which}Look": stays, "SmokeTest": FAILED_TEST}
    if which == "Replace":
        answers |= {"RemakeLook": say.found("Deleting")}
    execution = go(deployment, PlanEndpoint=REPLACED, **answers)
    assert execution.status == "FAILED"
    assert "could not be deleted in time: status Deleting" in str(execution.cause)


def test_no_update_leads_back_to_serverless(deployment: dict[str, Any]) -> None:
    """What scales its instances goes with them."""
    plan = SWITCH | {"after": say.SCALED}
    execution = update(
        deployment,
        PlanEndpoint=plan,
        MoveChampion=Raises("ChampionMoved", "somebody else"),
        DescribeEndpoint=say.describe("InService"),
        DescribeRollback=BACK,
    )
    way = states(execution)
    assert way.index("TakeScalingOff") < way.index("RemakeDelete") < way.index("RemakeCreate")
    assert "RestorePreviousConfig" not in way
    assert (execution.status, execution.error) == ("FAILED", "ChampionMoved")


def test_a_switch_that_sagemaker_took_back_needs_nothing_more(deployment: dict[str, Any]) -> None:
    execution = update(
        deployment,
        PlanEndpoint=SWITCH,
        DescribeEndpoint=say.describe("InService", PREVIOUS),
        DescribeRollback=say.describe("InService", PREVIOUS),
    )
    assert (execution.status, execution.error) == ("FAILED", "EndpointRolledBack")
    assert not {"RemakeLook", "RestorePreviousConfig"} & set(states(execution))


def test_an_endpoint_that_died_of_its_update_is_made_anew(deployment: dict[str, Any]) -> None:
    """Nobody answers anyway, and a Failed endpoint accepts nothing but its deletion."""
    dead = say.describe("Failed") | {"FailureReason": "no capacity"}
    execution = update(
        deployment,
        DescribeEndpoint=dead,
        RemakeLook=say.found("Failed", "gone"),
        DescribeRollback=[dead, say.describe("InService", PREVIOUS)],
    )
    assert (execution.status, execution.error) == ("FAILED", "EndpointFailed")
    assert "Then" not in str(execution.cause)
    assert execution.arguments("RemakeCreate")["EndpointConfigName"] == PREVIOUS


def test_a_person_allows_an_interruption(deployment: dict[str, Any]) -> None:
    assert go(deployment).payload("PlanEndpoint")["replace"] is False
    given = {**say.DEPLOY_INPUT, "replace": True}
    execution = run(deployment, given, say.deployment_answers())
    assert execution.payload("PlanEndpoint")["replace"] is True


def shadow(deployment: dict[str, Any], **changes: Any) -> Execution:
    answers = {"PlanEndpoint": say.shadow_plan(), "DescribeEndpoint": say.describe("InService")}
    return run(deployment, say.SHADOW_INPUT, say.deployment_answers(**answers | changes))


def test_a_shadow_is_deployed_beside_whoever_is_the_champion_by_now(
    deployment: dict[str, Any],
) -> None:
    execution = shadow(deployment)
    assert states(execution) == [
        "AcquireLock",
        "PlanEndpoint",
        "CreateModel",
        "CreateShadowModel",
        "CreateEndpointConfig",
        "UpdateEndpoint",
        "SmokeTest",
        "MoveChampion",
        "ReleaseLock",
        "Notify",
    ]
    assert execution.payload("PlanEndpoint")["shadow"] == {"ask": "awaited"}
    tested = execution.payload("SmokeTest")
    assert (tested["version"], tested["artifact_uri"]) == ("6", say.CHAMPION_ARTIFACT)
    moved = execution.payload("MoveChampion")
    assert (moved["version"], moved["expected_champion"]) == ("6", "6")
    assert moved["model_package_arn"] == say.CHAMPION_PACKAGE
    assert (moved["shadow"], moved["for_shadow"]) == ({"version": "7", "percent": 10}, True)


def test_a_shadow_that_is_there_is_not_made_again(deployment: dict[str, Any]) -> None:
    execution = shadow(deployment, PlanEndpoint=say.shadow_plan(shadowmodel_exists=True))
    assert execution.status == "SUCCEEDED"
    assert "CreateShadowModel" not in states(execution)
    execution = shadow(deployment, PlanEndpoint=say.shadow_plan("unchanged"))
    assert states(execution)[2:] == ["SmokeTest", "MoveChampion", "ReleaseLock", "Notify"]


def test_a_shadow_that_does_not_start_leaves_production_as_it_was(
    deployment: dict[str, Any],
) -> None:
    execution = shadow(
        deployment,
        DescribeEndpoint=say.describe("InService", PREVIOUS),
        DescribeRollback=say.describe("InService", PREVIOUS),
    )
    assert (execution.status, execution.error) == ("FAILED", "EndpointRolledBack")
    assert not {"RestorePreviousConfig", "DeleteEndpoint", "MoveChampion"} & set(states(execution))
    assert "ReleaseLockAfterFailure" in states(execution)


ALREADY = Raises("SageMaker.SageMakerException", "Cannot create already existing endpoint")


@pytest.mark.parametrize("plan", [say.endpoint_plan(), REPLACED])
def test_a_creation_that_meets_its_own_first_try_goes_on(
    plan: dict[str, Any], deployment: dict[str, Any]
) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/pull/48966"""
    answers = {"PlanEndpoint": plan, "CreateEndpoint": ALREADY, "ReplaceCreate": ALREADY}
    assert go(deployment, **answers).status == "SUCCEEDED"
    execution = go(
        deployment,
        **answers,
        SmokeTest=FAILED_TEST,
        DescribeRollback=say.describe("InService", PREVIOUS),
    )
    assert execution.status == "FAILED"
    put_back = "DeleteEndpoint" if plan["action"] == "create" else "RemakeCreate"
    assert put_back in states(execution)


def test_an_endpoint_that_somebody_else_made_meanwhile_is_left(deployment: dict[str, Any]) -> None:
    execution = go(
        deployment, CreateEndpoint=ALREADY, DescribeEndpoint=say.describe("InService", "theirs")
    )
    assert execution.status == "FAILED"
    assert not {"DeleteEndpoint", "SmokeTest"} & set(states(execution))


def test_a_way_back_that_meets_its_own_first_try_goes_on(deployment: dict[str, Any]) -> None:
    execution = go(
        deployment,
        PlanEndpoint=REPLACED,
        SmokeTest=FAILED_TEST,
        RemakeCreate=ALREADY,
        DescribeRollback=say.describe("InService", PREVIOUS),
    )
    assert (execution.status, execution.error) == ("FAILED", "SmokeTestFailed")
    assert "DescribeRollback" in [task.state for task in execution.tasks]
