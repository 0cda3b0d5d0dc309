"""Step Functions: what the emulator does otherwise, corrected."""

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud import stacks
from tests.local_cloud.conftest import make_event_queue, wait_for

RULE = "arn:aws:events:us-east-1:000000000000:rule/StepFunctionsGetEventsFor"
JOB_STATEMENTS: list[stacks.Statement] = [
    (
        [
            "sagemaker:CreateProcessingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:AddTags",
            "sagemaker:StopProcessingJob",
        ],
        "*",
    ),
    ("iam:PassRole", {"Fn::GetAtt": ["JobRole", "Arn"]}),
    (
        ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        f"{RULE}SageMakerProcessingJobsRule",
    ),
]
JOB_NAME = "{% 'j-' & $states.context.Execution.Name & '-' & $states.context.State.RetryCount %}"


def job_task(*arguments: str, **state: Any) -> dict[str, Any]:
    """A Task that runs a processing job."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "TimeoutSeconds": 60,
        "End": True,
        "Arguments": {
            "ProcessingJobName": JOB_NAME,
            "RoleArn": "${JobRole.Arn}",
            "AppSpecification": {
                "ImageUri": "image",
                "ContainerEntrypoint": ["python", "-m", "sagemaker_jobs", "prepare"],
                "ContainerArguments": list(arguments),
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 1,
                }
            },
        },
    } | state


def states(**named: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


def deploy_job_machine(
    cloud: LocalCloud, definition: dict[str, Any], statements: list[stacks.Statement] | None = None
) -> str:
    outputs = stacks.deploy(
        cloud,
        {
            "JobRole": stacks.role("sagemaker.amazonaws.com"),
            "Role": stacks.role(
                "states.amazonaws.com", *(JOB_STATEMENTS if statements is None else statements)
            ),
            "Machine": stacks.machine(definition, "Role"),
        },
        {"Arn": {"Ref": "Machine"}},
    )
    return outputs["Arn"]


def test_a_job_runs_in_sync(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html"""
    arn = deploy_job_machine(
        cloud,
        states(
            Run=job_task(
                "sleep",
                "0",
                Output={
                    "status": "{% $states.result.ProcessingJobStatus %}",
                    "name": "{% $states.result.ProcessingJobName %}",
                    "created": "{% $type($states.result.CreationTime) %}",
                },
            )
        ),
    )
    execution = stacks.execute(cloud, arn, name="first")
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"]) == {
        "status": "Completed",
        "name": "j-first-0",
        "created": "number",
    }


def test_a_failed_job_is_task_failed_with_its_description(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync

    And Retry, the retry count in the context, Catch with Assign and $states.errorOutput:
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    arn = deploy_job_machine(
        cloud,
        states(
            Run=job_task(
                "fail",
                "3",
                "no id column",
                Next="Done",
                End=None,
                Retry=[
                    {
                        "ErrorEquals": ["States.TaskFailed"],
                        "IntervalSeconds": 1,
                        "MaxAttempts": 1,
                        "MaxDelaySeconds": 1,
                        "JitterStrategy": "FULL",
                    }
                ],
                Catch=[
                    {
                        "ErrorEquals": ["States.ALL"],
                        "Next": "Done",
                        "Assign": {
                            "failure": {
                                "error": "{% $states.errorOutput.Error %}",
                                "cause": "{% $states.errorOutput.Cause %}",
                            }
                        },
                    }
                ],
            )
            | {"End": False},
            Done={"Type": "Pass", "End": True, "Output": "{% $failure %}"},
        ),
    )
    execution = stacks.execute(cloud, arn)
    failure = json.loads(execution["output"])
    assert failure["error"] == "States.TaskFailed"
    job = json.loads(failure["cause"])
    assert job["ProcessingJobName"] == f"j-{execution['name']}-1"
    assert job["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert job["ExitMessage"] == "no id column"


@pytest.mark.parametrize(
    "missing, error",
    [
        (0, "SageMaker.AmazonSageMakerException"),
        (1, "SageMaker.AmazonSageMakerException"),
        (2, "StepFunctions.AccessDeniedException"),
    ],
)
def test_a_machine_may_do_only_what_its_role_may(
    cloud: LocalCloud, missing: int, error: str
) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/sagemaker-iam.html"""
    statements = [item for number, item in enumerate(JOB_STATEMENTS) if number != missing]
    arn = deploy_job_machine(cloud, states(Run=job_task("sleep", "0")), statements)
    execution = stacks.execute(cloud, arn)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert "is not authorized to" in execution["cause"]


def test_aborting_stops_the_job(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html"""
    arn = deploy_job_machine(cloud, states(Run=job_task("sleep", "60")))
    client = cloud.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    name = f"j-{execution.rpartition(':')[2]}-0"
    wait_for((cloud.home.jobs / name / "pid").exists)
    client.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    sagemaker = cloud.client("sagemaker")
    wait_for(
        lambda: (
            sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
            == "Stopped"
        )
    )
    time.sleep(0.3)
    assert client.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_a_timeout_stops_the_job(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync"""
    arn = deploy_job_machine(cloud, states(Run=job_task("sleep", "60", TimeoutSeconds=2)))
    execution = stacks.execute(cloud, arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Timeout")
    wait_for(
        lambda: (
            cloud.client("sagemaker").describe_processing_job(
                ProcessingJobName=f"j-{execution['name']}-0"
            )["ProcessingJobStatus"]
            == "Stopped"
        )
    )


def test_nested_executions(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html"""
    child = states(
        Choose={
            "Type": "Choice",
            "Default": "Good",
            "Choices": [{"Condition": "{% $states.input.bad %}", "Next": "Bad"}],
        },
        Good={"Type": "Succeed"},
        Bad={"Type": "Fail", "Error": "Broken", "Cause": "on purpose"},
    )
    nested = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "End": True,
        "Arguments": {"StateMachineArn": "${Child}", "Input": {"bad": "{% $states.input.bad %}"}},
    }
    arn = stacks.deploy(
        cloud,
        {
            "Role": stacks.role(
                "states.amazonaws.com",
                ("states:StartExecution", {"Ref": "Child"}),
                (["states:DescribeExecution", "states:StopExecution"], "*"),
                (
                    ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
                    f"{RULE}StepFunctionsExecutionRule",
                ),
            ),
            "ChildRole": stacks.role("states.amazonaws.com"),
            "Child": stacks.machine(child, "ChildRole"),
            "Machine": stacks.machine(states(Run=nested), "Role"),
        },
        {"Arn": {"Ref": "Machine"}},
    )["Arn"]
    good = stacks.execute(cloud, arn, {"bad": False})
    assert json.loads(good["output"])["Output"] == {"bad": False}
    bad = stacks.execute(cloud, arn, {"bad": True})
    assert (bad["status"], bad["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(bad["cause"])["Error"] == "Broken"


def plain_machine(
    cloud: LocalCloud, definition: dict[str, Any], *statements: stacks.Statement, **properties: Any
) -> str:
    return stacks.deploy(
        cloud,
        {
            "Role": stacks.role("states.amazonaws.com", *statements),
            "Machine": stacks.machine(definition, "Role", **properties),
        },
        {"Arn": {"Ref": "Machine"}},
    )["Arn"]


def test_starting_twice_is_starting_once(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"""
    arn = plain_machine(cloud, states(Wait={"Type": "Wait", "Seconds": 60, "End": True}))
    client = cloud.client("stepfunctions")
    first = client.start_execution(stateMachineArn=arn, name="one", input="{}")
    assert (
        client.start_execution(stateMachineArn=arn, name="one", input="{}")["executionArn"]
        == first["executionArn"]
    )
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=arn, name="one", input='{"other": 1}')
    client.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=arn, name="one", input="{}")
    with pytest.raises(client.exceptions.InvalidName):
        client.start_execution(stateMachineArn=arn, name="a b", input="{}")


def test_the_context_and_assign(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html

    Assign sees the values from before the state:
    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    """
    arn = plain_machine(
        cloud,
        states(
            First={"Type": "Pass", "Next": "Second", "Assign": {"a": 1, "b": 2}},
            Second={"Type": "Pass", "Next": "Last", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}},
            Last={
                "Type": "Pass",
                "End": True,
                "Output": {
                    "a": "{% $a %}",
                    "b": "{% $b %}",
                    "redrives": "{% $states.context.Execution.RedriveCount %}",
                    "id": "{% $states.context.Execution.Id %}",
                },
            },
        ),
    )
    execution = stacks.execute(cloud, arn)
    assert json.loads(execution["output"]) == {
        "a": 2,
        "b": 1,
        "redrives": 0,
        "id": execution["executionArn"],
    }


def test_the_output_of_a_succeed_state_is_the_executions(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-succeed.html"""
    done = {"Type": "Succeed", "Output": {"twice": "{% $states.input.number * 2 %}"}}
    machine = plain_machine(cloud, states(Done=done))
    found = stacks.execute(cloud, machine, {"number": 21})
    assert json.loads(found["output"]) == {"twice": 42}
    untouched = plain_machine(cloud, states(Done={"Type": "Succeed"}))
    found = stacks.execute(cloud, untouched, {"number": 21})
    assert json.loads(found["output"]) == {"number": 21}


def test_a_machine_times_out(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html"""
    arn = plain_machine(
        cloud, states(Wait={"Type": "Wait", "Seconds": 60, "End": True}) | {"TimeoutSeconds": 1}
    )
    assert stacks.execute(cloud, arn)["status"] == "TIMED_OUT"


def test_aws_sdk_integrations(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"""
    arn = plain_machine(
        cloud,
        states(
            Ask={
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
                "Arguments": {"EndpointName": "nowhere"},
                "Next": "Never",
                "Catch": [
                    {
                        "ErrorEquals": ["SageMaker.SageMakerException"],
                        "Next": "List",
                        "Assign": {"cause": "{% $states.errorOutput.Cause %}"},
                    }
                ],
            },
            Never={"Type": "Fail"},
            List={
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sfn:listStateMachines",
                "Arguments": {"MaxResults": 1},
                "End": True,
                "Output": {
                    "cause": "{% $cause %}",
                    "keys": "{% $keys($states.result.StateMachines[0]) %}",
                },
            },
        ),
        ("sagemaker:DescribeEndpoint", "*"),
        ("states:ListStateMachines", "*"),
    )
    output = json.loads(stacks.execute(cloud, arn)["output"])
    assert output["cause"].startswith('Could not find endpoint "arn:aws:sagemaker:us-east-1:')
    assert "StateMachineArn" in output["keys"]


def test_a_function_error_is_named_by_its_class(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    code = (
        "class NotReady(Exception): pass\n"
        "def handler(event, context):\n"
        "    if event['raise']: raise NotReady('wait')\n"
        "    return {'echo': event}\n"
    )
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "End": True,
        "Arguments": {"FunctionName": "${Function}", "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "Catch": [{"ErrorEquals": ["NotReady"], "Next": "Caught"}],
    }
    definition = states(Run=invoke, Caught={"Type": "Pass", "End": True, "Output": "caught"})
    resources = {
        "FunctionRole": stacks.role("lambda.amazonaws.com"),
        "Function": stacks.function(cloud, {"app.py": code}, "FunctionRole"),
        "Role": stacks.role(
            "states.amazonaws.com", ("lambda:InvokeFunction", {"Fn::GetAtt": ["Function", "Arn"]})
        ),
        "Machine": stacks.machine(definition, "Role"),
        "PoorRole": stacks.role("states.amazonaws.com"),
        "PoorMachine": stacks.machine(definition, "PoorRole"),
    }
    outputs = stacks.deploy(
        cloud, resources, {"Arn": {"Ref": "Machine"}, "Poor": {"Ref": "PoorMachine"}}
    )
    assert json.loads(stacks.execute(cloud, outputs["Arn"], {"raise": False})["output"]) == {
        "echo": {"raise": False}
    }
    assert json.loads(stacks.execute(cloud, outputs["Arn"], {"raise": True})["output"]) == "caught"
    refused = stacks.execute(cloud, outputs["Poor"], {"raise": False})
    assert refused["error"] == "Lambda.AWSLambdaException"
    assert "lambda:InvokeFunction" in refused["cause"]


def test_history_goes_to_the_log_group(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html"""
    group = f"/aws/vendedlogs/states/{uuid.uuid4().hex[:8]}"
    outputs = stacks.deploy(
        cloud,
        {
            "Role": stacks.role("states.amazonaws.com", ("logs:CreateLogDelivery", "*")),
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}},
            "Machine": stacks.machine(
                states(Only={"Type": "Pass", "End": True}),
                "Role",
                TracingConfiguration={"Enabled": True},
                LoggingConfiguration={
                    "Level": "ALL",
                    "IncludeExecutionData": False,
                    "Destinations": [
                        {
                            "CloudWatchLogsLogGroup": {
                                "LogGroupArn": {"Fn::GetAtt": ["Group", "Arn"]}
                            }
                        }
                    ],
                },
            ),
        },
        {"Arn": {"Ref": "Machine"}},
    )
    execution = stacks.execute(cloud, outputs["Arn"], {"secret": 1})
    events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = [json.loads(event["message"]) for event in events]
    assert [line["type"] for line in lines] == [
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert {line["execution_arn"] for line in lines} == {execution["executionArn"]}
    assert "secret" not in str(lines)
    described = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["Arn"])
    assert described["loggingConfiguration"]["level"] == "ALL"
    assert described["tracingConfiguration"] == {"enabled": True}


def test_failures_are_events(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
    name = f"r-{uuid.uuid4().hex[:8]}"
    arn = plain_machine(cloud, states(Bad={"Type": "Fail", "Error": "E", "Cause": "C"}))
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue, queue_arn = make_event_queue(cloud, name)
    events.put_rule(
        Name=name,
        EventPattern=json.dumps(
            {"source": ["aws.states"], "detail": {"status": ["FAILED"], "stateMachineArn": [arn]}}
        ),
    )
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue_arn}])
    execution = stacks.execute(cloud, arn)
    messages = wait_for(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    detail = json.loads(messages[0]["Body"])["detail"]
    assert (detail["executionArn"], detail["error"]) == (execution["executionArn"], "E")


def test_an_unknown_machine_is_refused(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"""
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        cloud.client("stepfunctions").start_execution(
            stateMachineArn="arn:aws:states:us-east-1:000000000000:stateMachine:none"
        )
