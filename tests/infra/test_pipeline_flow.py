"""Which states the pipeline goes through, and what it says, run state by state."""

from typing import Any

import pytest

from dropforge import layout, names
from tests.infra import scenarios as say
from tests.infra.running import Execution, Raises, run
from tests.infra.template import Template

SHORTAGE = '{"ProcessingJobStatus": "Failed", "FailureReason": "CapacityError: none left"}'


@pytest.fixture(scope="module")
def pipeline(dev: Template) -> dict[str, Any]:
    return dev.machine("pipeline")


def go(pipeline: dict[str, Any], given: dict[str, Any] | None = None, **changes: Any) -> Execution:
    return run(pipeline, given or say.DROP_INPUT, say.pipeline_answers(**changes))


def test_a_labelled_drop_goes_all_the_way(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline)
    assert execution.status == "SUCCEEDED"
    assert [task.state for task in execution.tasks if task.state != "DescribeTraining"] == [
        "AcquireLock",
        "Prepare",
        "PlanRun",
        "FindChampion",
        "Train",
        "Evaluate",
        "Decide",
        "Register",
        "Deploy",
        "FindChampionToScore",
        "Score",
        "ReleaseLock",
        "Notify",
    ]


def test_places_are_those_of_the_layout(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline)
    lake, project, name = say.LAKE, say.PROJECT, say.RUN
    evaluate = execution.arguments("Evaluate")
    outputs = {o["OutputName"]: o for o in evaluate["ProcessingOutputConfig"]["Outputs"]}
    root = outputs["evaluation"]["S3Output"]["S3Uri"]
    assert root.rstrip("/") == str(layout.run_root(lake, project, name))
    assert outputs["artifact"]["S3Output"]["S3Uri"] == say.ARTIFACT
    train = execution.arguments("Train")
    output = train["OutputDataConfig"]
    assert output["S3OutputPath"] == str(layout.training_output(lake, project, name))
    assert output["CompressionType"] == "NONE"
    expected = str(layout.evaluation(lake, project, name))
    assert execution.payload("Decide")["evaluation_uri"] == expected
    assert execution.payload("Register")["evaluation_uri"] == expected


def test_jobs_are_called_as_the_container_expects(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline)
    common = ["--project", "credit", "--project-version", say.PROJECT_VERSION, "--run", say.RUN]
    more = {
        "Prepare": [
            *("--round", "1", "--trigger", "drop"),
            *("--execution", execution.payload("AcquireLock")["execution"]),
        ],
        "Evaluate": ["--champion-version", "6", "--reference-version", "1"],
        "Score": ["--model-version", "6", "--round", "1"],
    }
    for state, arguments in more.items():
        app = execution.arguments(state)["AppSpecification"]
        step = state.lower()
        assert app["ContainerEntrypoint"] == ["python", "-m", "sagemaker_jobs", step]
        assert app["ContainerArguments"] == common + arguments
        environment = execution.arguments(state)["Environment"]
        assert set(environment) == {
            "DROPFORGE_STAGE",
            "DROPFORGE_LEDGER_TABLE",
            "DROPFORGE_LAKE_BUCKET",
            "DROPFORGE_DROP_BUCKET",
        }


def test_inputs_of_the_jobs(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline)

    def inputs(state: str) -> dict[str, str]:
        listed = execution.arguments(state).get("ProcessingInputs", [])
        for item in listed:
            path = f"/opt/ml/processing/input/{item['InputName']}"
            assert item["S3Input"]["LocalPath"] == path
        return {item["InputName"]: item["S3Input"]["S3Uri"] for item in listed}

    plan = say.plan_run()
    assert inputs("Prepare") == {}
    assert inputs("Evaluate") == {
        "artifact": say.ARTIFACT,
        "snapshot": plan["snapshot_uri"],
        "champion": say.CHAMPION_ARTIFACT,
        "reference": say.REFERENCE_ARTIFACT,
    }
    assert inputs("Score") == {"artifact": say.CHAMPION_ARTIFACT, "rows": plan["scoring_uri"]}
    train = execution.arguments("Train")
    (channel,) = train["InputDataConfig"]
    assert channel["ChannelName"] == "snapshot"
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == plan["snapshot_uri"]
    assert train["HyperParameters"] == {
        "project": "credit",
        "project_version": say.PROJECT_VERSION,
        "run": say.RUN,
    }
    assert train["EnableNetworkIsolation"] is True


def test_a_first_model_has_no_champion_to_compare_with(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, FindChampion=say.no_champion())
    evaluate = execution.arguments("Evaluate")
    assert [i["InputName"] for i in evaluate["ProcessingInputs"]] == ["artifact", "snapshot"]
    assert "--champion-version" not in evaluate["AppSpecification"]["ContainerArguments"]


def test_a_champion_that_is_the_reference_itself_is_given_once(pipeline: dict[str, Any]) -> None:
    evaluate = go(pipeline, FindChampion=say.champion_alone()).arguments("Evaluate")
    named = [i["InputName"] for i in evaluate["ProcessingInputs"]]
    assert named == ["artifact", "snapshot", "champion"]
    arguments = evaluate["AppSpecification"]["ContainerArguments"]
    assert arguments[-2:] == ["--champion-version", "1"]


def test_the_reference_that_the_project_names_is_asked_for(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, PlanRun=say.plan_run(reference="3"))
    assert execution.arguments("FindChampion")["Payload"] == {"project": "credit", "reference": "3"}


def test_a_covered_drop_ends_at_once(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, AcquireLock=say.lock(acquired=False, covered=True))
    assert execution.status == "SUCCEEDED"
    assert execution.states == ["Start", "AcquireLock", "HasLock", "Covered"]


def test_a_covered_drop_never_keeps_the_lock(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, AcquireLock=say.lock(acquired=True, covered=True))
    assert execution.states[-2:] == ["ReleaseUnneededLock", "Covered"]


def test_a_held_lock_is_waited_for(pipeline: dict[str, Any]) -> None:
    held = [say.lock(acquired=False)] * 9
    execution = go(pipeline, AcquireLock=[*held, say.lock()])
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("WaitForLock") == 9


def test_new_drops_are_prepared_in_the_same_run(pipeline: dict[str, Any]) -> None:
    again = say.plan_run(again=True, train=False, score=False)
    execution = go(pipeline, PlanRun=[again, again, say.plan_run()])
    prepared = [t.arguments for t in execution.tasks if t.state == "Prepare"]
    assert [p["ProcessingJobName"] for p in prepared] == [
        f"{say.RUN}-prepare-{number}-0-0-0" for number in (1, 2, 3)
    ]
    assert execution.payload("Register")["round"] == 3
    assert "--round" in execution.arguments("Score")["AppSpecification"]["ContainerArguments"]


def test_at_most_twenty_rounds(pipeline: dict[str, Any]) -> None:
    again = say.plan_run(again=True, train=False, score=False)
    execution = go(pipeline, PlanRun=again)
    assert execution.status == "SUCCEEDED"
    assert [t.state for t in execution.tasks].count("Prepare") == 20


def test_a_file_without_labels_is_only_scored(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, PlanRun=say.plan_run(train=False))
    assert [task.state for task in execution.tasks] == [
        "AcquireLock",
        "Prepare",
        "PlanRun",
        "FindChampionToScore",
        "Score",
        "ReleaseLock",
        "Notify",
    ]


def test_nothing_to_do_is_told_too(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, PlanRun=say.plan_run(train=False, score=False))
    assert [task.state for task in execution.tasks][-2:] == ["ReleaseLock", "Notify"]
    assert execution.payload("Notify")["kind"] == "result"
    assert execution.payload("Notify")["failure"] is None


def test_without_any_champion_nothing_is_scored(pipeline: dict[str, Any]) -> None:
    execution = go(
        pipeline, FindChampionToScore=say.no_champion(), Register=say.registration(deploy=False)
    )
    states = [task.state for task in execution.tasks]
    assert "Deploy" not in states and "Score" not in states
    assert execution.status == "SUCCEEDED"


def test_the_deployment_is_told_everything(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline)
    deploy = execution.arguments("Deploy")
    given = dict(deploy["Input"])
    assert given.pop("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID").endswith(say.RUN)
    assert given == say.DEPLOY_INPUT
    assert len(deploy["Name"]) <= 80


@pytest.mark.parametrize(
    "state",
    ["AcquireLock", "Prepare", "PlanRun", "Train", "DescribeTraining", "Evaluate", "Decide"]
    + ["Register", "Deploy", "FindChampionToScore", "Score", "ReleaseLock", "Notify"],
)
def test_whatever_fails_is_mailed_and_fails_the_run(state: str, pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, **{state: Raises("SomeError", "what happened")})
    assert (execution.status, execution.error, execution.cause) == (
        "FAILED",
        "SomeError",
        "what happened",
    )
    told = execution.payload("NotifyFailure")
    assert told["kind"] == "failure"
    assert told["failure"] == {
        "step": state,
        "error": "SomeError",
        "cause": "what happened",
        "attempt": 1,
    }


def test_a_run_whose_mail_fails_fails_all_the_same(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, Prepare=Raises("A"), NotifyFailure=Raises("B", "no mail"))
    assert execution.status == "FAILED"


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_training_job_that_died_fails_as_a_sync_task_would(
    status: str, pipeline: dict[str, Any]
) -> None:
    died = say.training(status, FailureReason="AlgorithmError: killed")
    execution = go(pipeline, DescribeTraining=[say.training("InProgress"), died])
    failure = execution.payload("NotifyFailure")["failure"]
    assert execution.status == "FAILED"
    assert (failure["step"], failure["error"]) == ("Train", "States.TaskFailed")
    assert '"TrainingJobName":"' in failure["cause"].replace(" ", "")
    assert "AlgorithmError: killed" in failure["cause"]


def test_a_training_job_that_took_too_long_says_so(pipeline: dict[str, Any]) -> None:
    late = say.training("Stopped", SecondaryStatus="MaxRuntimeExceeded")
    execution = go(pipeline, DescribeTraining=late)
    assert "MaxRuntimeExceeded" in execution.payload("NotifyFailure")["failure"]["cause"]


@pytest.mark.parametrize(
    "shortage",
    [
        Raises("States.TaskFailed", SHORTAGE),
        Raises("SageMaker.ResourceLimitExceededException", "0 Instances"),
    ],
    ids=["capacity", "quota"],
)
def test_a_shortage_tries_the_next_instance_type(
    shortage: Raises, pipeline: dict[str, Any]
) -> None:
    execution = go(pipeline, Score=[shortage, shortage, {}])
    asked = [t.arguments for t in execution.tasks if t.state == "Score"]
    types = [a["ProcessingResources"]["ClusterConfig"]["InstanceType"] for a in asked]
    assert types == [*say.JOB_TYPES, say.JOB_TYPES[0]]
    assert len({a["ProcessingJobName"] for a in asked}) == 3
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("WaitForCapacity") == 2


def test_a_shortage_of_training_machines_trains_again(pipeline: dict[str, Any]) -> None:
    none_left = say.training("Failed", FailureReason="CapacityError: none left")
    execution = go(pipeline, DescribeTraining=[none_left, say.training()])
    names_ = [t.arguments["TrainingJobName"] for t in execution.tasks if t.state == "Train"]
    assert names_ == [f"{say.RUN}-train-1-0-0-0", f"{say.RUN}-train-1-1-0-0"]
    assert execution.status == "SUCCEEDED"


def test_shortages_are_counted_a_job(pipeline: dict[str, Any]) -> None:
    shortage = Raises("States.TaskFailed", SHORTAGE)
    execution = go(pipeline, Prepare=[shortage, {}], Score=[shortage] * 5 + [{}])
    assert execution.status == "SUCCEEDED"


def test_a_lasting_shortage_fails(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, Evaluate=Raises("States.TaskFailed", SHORTAGE))
    assert execution.status == "FAILED"
    assert [t.state for t in execution.tasks].count("Evaluate") == 6


def test_job_names_fit_whatever_the_run_is_called(pipeline: dict[str, Any]) -> None:
    longest = names.run_name("x" * 32, "2020-10-01", "a" * 32, 999)
    for name in (longest, "a.b_c" * 16, "-" * 80):
        execution = run(pipeline, say.DROP_INPUT, say.pipeline_answers(), name=name)
        for state in ("Prepare", "Evaluate", "Score"):
            assert len(execution.arguments(state)["ProcessingJobName"]) <= 63
    assert (
        run(pipeline, say.DROP_INPUT, say.pipeline_answers(), name=longest)
        .arguments("Train")["TrainingJobName"]
        .startswith(longest)
    )


def test_a_model_that_awaits_approval_shadows_the_champion(pipeline: dict[str, Any]) -> None:
    execution = go(pipeline, Register=say.registration(deploy=False, shadow=True))
    assert execution.status == "SUCCEEDED"
    assert "Deploy" not in execution.states
    started = execution.arguments("Shadow")
    assert started["Name"] == f"{say.RUN}-shadow-0-0"
    given = started["Input"]
    assert (given["reason"], given["shadow"]) == ("shadow", {"ask": "awaited"})
    assert (given["version"], given["artifact_uri"]) == ("6", say.CHAMPION_ARTIFACT)
    assert given["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"].endswith(say.RUN)
    assert execution.payload("Notify")["shadow_failure"] is None
    assert "Shadow" not in go(pipeline, Register=say.registration(deploy=False)).states


def test_a_shadow_that_cannot_be_fails_no_run_and_is_told(pipeline: dict[str, Any]) -> None:
    execution = go(
        pipeline,
        Register=say.registration(deploy=False, shadow=True),
        Shadow=Raises("States.TaskFailed", '{"Cause": "no ping"}'),
    )
    assert execution.status == "SUCCEEDED"
    assert execution.states.index("Shadow") < execution.states.index("Score")
    assert "NotifyFailure" not in execution.states
    told = execution.payload("Notify")
    assert (told["kind"], told["failure"]) == ("result", None)
    assert told["shadow_failure"]["step"] == "Shadow"
    assert "no ping" in told["shadow_failure"]["cause"]
