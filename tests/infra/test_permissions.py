"""Who may do what: actions one by one, resources as narrow as AWS lets them be."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra.functions import TIMEOUTS
from tests.infra.template import Template, listed

BUILDERS = ("ContainerImageBuild", "DeployTimeBuild")
"""The image's builder comes with roles of its own."""

NO_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListModelPackages",
    "sagemaker:ListModels",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions for which AWS has no resource
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html)."""

READ_LEDGER = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"}
WRITE_LEDGER = READ_LEDGER | {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
READ_LAKE = {"s3:GetObject", "s3:ListBucket"}
WRITE_LAKE = {"s3:PutObject", "s3:AbortMultipartUpload"}
PULL_IMAGE = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
}
RUN = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}
NOTIFY = (
    WRITE_LEDGER
    | READ_LAKE
    | {
        "sns:Publish",
        "states:DescribeExecution",
        "logs:DescribeLogStreams",
        "logs:GetLogEvents",
    }
)

FUNCTIONS = {
    "intake": WRITE_LEDGER
    | READ_LAKE
    | WRITE_LAKE
    | {
        "sns:Publish",
        "states:StartExecution",
        "states:DescribeExecution",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    },
    "acquire_lock": WRITE_LEDGER | {"states:DescribeExecution"},
    "release_lock": WRITE_LEDGER,
    "plan_run": WRITE_LEDGER | READ_LAKE,
    "find_champion": READ_LEDGER,
    "decide": READ_LAKE | WRITE_LAKE,
    "register": WRITE_LEDGER
    | READ_LAKE
    | WRITE_LAKE
    | PULL_IMAGE
    | {
        "sagemaker:AddTags",
        "sagemaker:CreateModelPackage",
        "sagemaker:CreateModelPackageGroup",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
    },
    "plan_endpoint": READ_LEDGER
    | READ_LAKE
    | {
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListTags",
        "cloudwatch:DescribeAlarms",
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
    },
    "smoke_test": READ_LAKE | {"sagemaker:InvokeEndpoint"},
    "move_champion": WRITE_LEDGER
    | WRITE_LAKE
    | {
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DeleteModel",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:ListEndpointConfigs",
        "sagemaker:ListEndpoints",
        "sagemaker:ListModels",
        "sagemaker:UpdateModelPackage",
    },
    "notify": NOTIFY,
    "notify_failure": NOTIFY | {"states:GetExecutionHistory"},
    "on_approval": WRITE_LEDGER
    | {
        "sagemaker:DescribeModelPackage",
        "sns:Publish",
        "states:StartExecution",
        "states:DescribeExecution",
    },
}


def policies(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every identity policy that is ours."""
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for id, policy in template.of_type(kind).items():
            if not id.startswith(BUILDERS):
                for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                    yield id, statement


def actions(statements: list[dict[str, Any]]) -> set[str]:
    return {action for s in statements for action in listed(s["Action"])}


def resources_of(statements: list[dict[str, Any]], action: str) -> set[str]:
    return {r for s in statements if action in listed(s["Action"]) for r in listed(s["Resource"])}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_no_action_is_a_wildcard(stage: str, request: pytest.FixtureRequest) -> None:
    found = list(policies(request.getfixturevalue(stage)))
    assert len(found) > 50
    for id, statement in found:
        assert statement["Effect"] == "Allow", id
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{id}: {action}"


def test_every_resource_is_named_unless_aws_has_none(dev: Template) -> None:
    for id, statement in policies(dev):
        if "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= NO_RESOURCE, id


def test_resource_policies_allow_services_of_this_account_only(dev: Template) -> None:
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"):
        for id, policy in dev.of_type(kind).items():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    assert list(statement["Principal"]) == ["Service"], id
                    assert "Condition" in statement, id
                    assert "*" not in str(statement["Action"]), id
    for id, key in dev.of_type("AWS::KMS::Key").items():
        for statement in key["Properties"]["KeyPolicy"]["Statement"]:
            if list(statement["Principal"]) == ["AWS"]:
                # AWS's default: the account's own identity policies decide.
                assert statement["Principal"]["AWS"].endswith(":root"), id
            else:
                assert "*" not in str(statement["Action"]), id


def test_roles_trust_one_service_and_bring_no_managed_policy(dev: Template) -> None:
    for id, role in dev.of_type("AWS::IAM::Role").items():
        if id.startswith(BUILDERS):
            continue
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRole", id
        assert list(statement["Principal"]) == ["Service"], id
        assert "ManagedPolicyArns" not in role["Properties"], id


def test_roles_are_passed_to_sagemaker_alone(dev: Template) -> None:
    passed = {}
    for id, statement in policies(dev):
        if "iam:PassRole" in listed(statement["Action"]):
            assert statement["Condition"] == {
                "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
            }
            for role in listed(statement["Resource"]):
                assert "*" not in role
                passed.setdefault(id.split("Role")[0], set()).add(role.split("Roles")[1][:8])
    assert {k: {r[:6] for r in v} for k, v in passed.items()} == {
        "Pipeline": {"Job4D5", "Traini"},
        "Deployment": {"Endpoi"},
    }


@pytest.mark.parametrize("name", sorted(TIMEOUTS))
def test_a_function_may_do_what_it_does_and_no_more(name: str, dev: Template) -> None:
    id = "".join(word.capitalize() for word in name.split("_"))
    got = actions(dev.statements(f"Functions{id}Role"))
    assert got - KEYS == FUNCTIONS[name] | RUN


def test_no_function_may_approve_a_model(dev: Template) -> None:
    updates = [
        statement
        for _, statement in policies(dev)
        if "sagemaker:UpdateModelPackage" in listed(statement["Action"])
    ]
    (statement,) = updates
    assert statement["Condition"] == {"Null": {"sagemaker:ModelApprovalStatus": "true"}}
    (resource,) = listed(statement["Resource"])
    assert resource.endswith(":model-package/*-dev/*")


def test_functions_write_only_their_own_places(dev: Template) -> None:
    written = {}
    for name in TIMEOUTS:
        id = "".join(word.capitalize() for word in name.split("_"))
        found = resources_of(dev.statements(f"Functions{id}Role"), "s3:PutObject")
        written[name] = {resource.split(":::")[1].split("/", 1)[1] for resource in found}
    assert {name: places for name, places in written.items() if places} == {
        "intake": {"quarantine/*"},
        "decide": {"runs/*"},
        "register": {"runs/*"},
        "move_champion": {"runs/*"},
    }


def test_nobody_writes_or_deletes_what_was_dropped(dev: Template) -> None:
    forbidden = {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"}
    for id, statement in policies(dev):
        if forbidden & set(listed(statement["Action"])) and not id.startswith("RolesUploaders"):
            assert "storagedrops" not in str(statement["Resource"]).lower(), id


def test_uploaders_may_upload_and_nothing_else(dev: Template) -> None:
    policy = dev.one("AWS::IAM::ManagedPolicy", "RolesUploaders")["Properties"]
    statements = policy["PolicyDocument"]["Statement"]
    assert actions(statements) == {
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "kms:GenerateDataKey",
        "kms:Decrypt",
    }
    assert resources_of(statements, "s3:PutObject") == {
        "arn:aws:s3:::dropforge-dev-storagedropsc4008030/*"
    }


def test_training_and_endpoints_see_two_prefixes_each(dev: Template) -> None:
    for role, reads, writes in (
        ("RolesTraining", "runs/*", "models/*"),
        ("RolesEndpoint", "models/*", "capture/*"),
    ):
        statements = dev.statements(role)
        assert [r.split("/", 1)[1] for r in resources_of(statements, "s3:GetObject")] == [reads]
        assert [r.split("/", 1)[1] for r in resources_of(statements, "s3:PutObject")] == [writes]
        assert not [a for a in actions(statements) if a.startswith("dynamodb:")]


def test_the_pipeline_may_run_its_own_jobs_and_nothing_else(dev: Template) -> None:
    statements = dev.statements("PipelineRole")
    jobs = resources_of(statements, "sagemaker:CreateProcessingJob")
    assert {arn.rsplit("/", 1)[1] for arn in jobs} == {"*-prepare-*", "*-evaluate-*", "*-score-*"}
    (training,) = resources_of(statements, "sagemaker:CreateTrainingJob")
    assert training.endswith(":training-job/*-train-*")
    names = ["credit-202012-0a1b2c3d-1-evaluate-1-0-0-0", "credit-202012-0a1b2c3d-1-train-1-0-0-0"]
    assert any(fnmatchcase(f"x/{names[0]}", f"x/{arn.rsplit('/', 1)[1]}") for arn in jobs)
    assert fnmatchcase(f"x/{names[1]}", f"x/{training.rsplit('/', 1)[1]}")
    assert resources_of(statements, "sagemaker:StopProcessingJob") == jobs
    rules = resources_of(statements, "events:PutRule")
    assert {rule.rsplit("/", 1)[1] for rule in rules} == {
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
        "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    }
    (started,) = resources_of(statements, "states:StartExecution")
    assert started.endswith(":stateMachine:dropforge-dev-deployment")


def test_a_machine_invokes_the_functions_that_it_names(dev: Template) -> None:
    for machine, role in (("pipeline", "PipelineRole"), ("deployment", "DeploymentRole")):
        named = {
            state["Arguments"]["FunctionName"]
            for state in dev.machine(machine)["States"].values()
            if state.get("Resource", "").endswith("lambda:invoke")
        }
        allowed = resources_of(dev.statements(role), "lambda:InvokeFunction")
        assert {arn.removesuffix(":*") for arn in allowed} == named


def test_a_deployment_touches_the_stage_s_endpoints_only(dev: Template) -> None:
    statements = dev.statements("DeploymentRole")
    for action in ("UpdateEndpoint", "CreateEndpoint", "DeleteEndpoint", "CreateModel"):
        for arn in resources_of(statements, f"sagemaker:{action}"):
            assert fnmatchcase(arn.rsplit("/", 1)[1], "[*]-dev*"), action
    names = {"endpoint": "credit-dev", "endpoint-config": "credit-dev-v7-0a1b2c3d"}
    for kind, name in names.items():
        patterns = {
            arn.rsplit("/", 1)[1]
            for arn in resources_of(statements, "sagemaker:CreateEndpoint")
            if f":{kind}/" in arn
        }
        assert any(fnmatchcase(name, pattern) for pattern in patterns), kind


def test_a_deployment_makes_the_stage_s_alarms_only(dev: Template) -> None:
    statements = dev.statements("DeploymentRole")
    patterns = {
        a.split(":alarm:")[1] for a in resources_of(statements, "cloudwatch:PutMetricAlarm")
    }
    assert patterns == {"*-dev-*", "TargetTracking-endpoint/*-dev/variant/*"}
    assert fnmatchcase("credit-dev-5xx", "*-dev-*")
    deleted = resources_of(statements, "cloudwatch:DeleteAlarms")
    assert {a.split(":alarm:")[1] for a in deleted} == {"TargetTracking-endpoint/*-dev/variant/*"}
    # The endpoint's role sees what the machine makes, and plan_endpoint looks at no more.
    for role in ("RolesEndpoint", "FunctionsPlanEndpointRole"):
        seen = resources_of(dev.statements(role), "cloudwatch:DescribeAlarms")
        assert {a.split(":alarm:")[1] for a in seen} == {"*-dev-*"}, role


def test_a_deployment_scales_endpoints_and_nothing_else(dev: Template) -> None:
    scaling = [
        statement
        for statement in dev.statements("DeploymentRole")
        if any(a.startswith("application-autoscaling:") for a in listed(statement["Action"]))
    ]
    assert actions(scaling) == {
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget",
    }
    for statement in scaling:
        assert statement["Condition"] == {
            "StringEqualsIfExists": {"application-autoscaling:service-namespace": "sagemaker"}
        }


def test_rules_and_queues_reach_only_their_functions(dev: Template) -> None:
    permissions = dev.of_type("AWS::Lambda::Permission").values()
    granted = {
        (p["Properties"]["Principal"], p["Properties"]["FunctionName"].rsplit(":", 1)[1])
        for p in permissions
    }
    assert granted == {
        ("events.amazonaws.com", "dropforge-dev-notify-failure"),
        ("events.amazonaws.com", "dropforge-dev-on-approval"),
    }
    assert all(p["Properties"]["SourceArn"] for p in permissions)
