"""Deployments: nobody notices a good one, a bad one is taken back, settings made by hand stay."""

import json
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.ledger import RegisteredModel
from tests.flow.account import Account, wait_for
from tests.flow.bad_models import register_bad
from tests.flow.conftest import Push
from tests.flow.customers import customers
from tests.flow.load import Load, ask

PROJECT, ENDPOINT = "swap", "swap-dev"
Models = tuple[RegisteredModel, RegisteredModel]


@pytest.fixture(scope="module")
def models(account: Account, push: Push) -> Models:
    """Two approved models, the second in production; slower than half a second is too slow."""
    rules = {"endpoint": "realtime", "deployment": {"latency_ms": 500}}
    push(PROJECT, **rules, promotion={"mode": "advisory"})
    account.drop_and_wait(f"{PROJECT}/initial.csv", customers(800, seed=70))
    account.drop_and_wait(f"{PROJECT}/20201001.csv", customers(300, seed=71))
    first, second = account.ledger.models(PROJECT)
    assert _champion(account) == second.version
    return first, second


def test_ten_updates_in_a_row_fail_no_request(account: Account, models: Models) -> None:
    with Load(account, ENDPOINT) as load:
        for number in range(10):
            model = models[number % 2]
            assert account.deploy(PROJECT, model)["status"] == "SUCCEEDED"
            assert _champion(account) == model.version
    assert load.failures == []
    assert set(load.versions) == {model.version for model in models}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("wrong", "did not pass the ping health check"),
        ("slow", "too slow"),
        ("crashing", "500|alarm"),
        ("failing", "500|alarm"),
    ],
)
def test_a_bad_model_is_taken_back(
    account: Account, models: Models, kind: str, reason: str
) -> None:
    before = _serving(account)
    live = next(model for model in models if model.version == _champion(account))
    other = next(model for model in models if model is not live)
    mails = account.mails(f"[{PROJECT}/dev]")
    bad = register_bad(account, PROJECT, other, kind)
    with Load(account, ENDPOINT) as load:
        assert account.deploy(PROJECT, bad)["status"] == "FAILED"
    assert _champion(account) == live.version
    assert _serving(account) == before
    assert ask(account.client("sagemaker-runtime"), ENDPOINT) == live.version
    # A container that does not answer its own golden rows never gets a request.
    assert load.versions[live.version] and (kind != "wrong" or not load.failures)
    mail = wait_for(lambda: account.mails(f"[{PROJECT}/dev]")[len(mails) :], 10, "the mail")
    assert [m.subject.split(":")[0].split(" at ")[0] for m in mail] == [f"[{PROJECT}/dev] FAILED"]
    _assert_says(mail[0].body, reason)
    assert account.ledger.lock(PROJECT, "deployment") is None


def test_settings_made_by_hand_survive_an_update(account: Account, models: Models) -> None:
    sagemaker = account.client("sagemaker")
    config = _change_by_hand(account)
    scaled = _scale_by_hand(account)
    live = next(model for model in models if model.version == _champion(account))
    other = next(model for model in models if model is not live)

    assert account.deploy(PROJECT, other)["status"] == "SUCCEEDED"

    endpoint = sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    assert endpoint["EndpointConfigName"] != config["EndpointConfigName"]
    now = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert now["DataCaptureConfig"]["InitialSamplingPercentage"] == 37
    assert endpoint["DataCaptureConfig"]["CurrentSamplingPercentage"] == 37
    model = sagemaker.describe_model(ModelName=now["ProductionVariants"][0]["ModelName"])
    assert model["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    tags = sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
    assert {"Key": "owner", "Value": "risk"} in tags
    scaling = account.client("application-autoscaling")
    (policy,) = scaling.describe_scaling_policies(**scaled)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70.0


def test_nothing_to_do_is_a_success_that_says_so(account: Account, models: Models) -> None:
    live = next(model for model in models if model.version == _champion(account))
    before = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    ended = account.deploy(PROJECT, live)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["action"] == "unchanged"
    after = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert after["LastModifiedTime"] == before["LastModifiedTime"]
    assert _champion(account) == live.version


@pytest.fixture(scope="module")
def first_try(account: Account, push: Push) -> RegisteredModel:
    """Another project's first model, which awaits its approval."""
    push("first", endpoint="realtime", approval="manual")
    account.drop_and_wait("first/initial.csv", customers(800, seed=72))
    (model,) = account.ledger.models("first")
    assert model.awaiting
    return model


def test_a_first_deployment_that_failed_does_not_block_the_next(
    account: Account, first_try: RegisteredModel
) -> None:
    sagemaker = account.client("sagemaker")
    bad = register_bad(account, "first", first_try, "wrong")
    assert account.deploy("first", bad)["status"] == "FAILED"
    _wait_until_gone(account, "first-dev")
    assert account.ledger.champion("first") is None

    # What a deployment that died itself would leave behind.
    _leave_failed(account, "first-dev", bad)
    account.dropforge("approve", "first", "1", "--wait")
    assert sagemaker.describe_endpoint(EndpointName="first-dev")["EndpointStatus"] == "InService"
    assert ask(account.client("sagemaker-runtime"), "first-dev") == "1"


def test_deployments_of_one_project_wait_for_each_other_and_those_of_two_do_not(
    account: Account, models: Models, first_try: RegisteredModel
) -> None:
    live = next(model for model in models if model.version == _champion(account))
    other = next(model for model in models if model is not live)
    one = account.start_deployment(PROJECT, other)
    wait_for(lambda: account.ledger.lock(PROJECT, "deployment"), 10, "the first to hold the lock")
    two = account.start_deployment(PROJECT, live)
    apart = account.start_deployment("first", first_try)
    ends = [account.ended(execution)["status"] for execution in (one, apart)]
    assert ends == ["SUCCEEDED", "SUCCEEDED"]
    account.ended(two)
    (_, first_out), (second_in, _) = _held(account, one), _held(account, two)
    assert first_out <= second_in
    assert _held(account, apart)[0] < first_out
    # The second expected a champion that the first had replaced meanwhile: nothing was changed.
    assert _champion(account) == other.version
    assert ask(account.client("sagemaker-runtime"), ENDPOINT) == other.version


def test_a_serverless_endpoint_serves_what_it_is_given(account: Account, push: Push) -> None:
    push("less", endpoint="serverless")
    account.drop_and_wait("less/initial.csv", customers(800, seed=73))
    assert account.ledger.champion("less"), account.mails("[less/dev]")[-1].body
    sagemaker = account.client("sagemaker")
    (variant,) = sagemaker.describe_endpoint(EndpointName="less-dev")["ProductionVariants"]
    assert variant["CurrentServerlessConfig"]["MaxConcurrency"] > 0
    assert ask(account.client("sagemaker-runtime"), "less-dev") == "1"
    (model,) = account.ledger.models("less")
    bad = register_bad(account, "less", model, "wrong")
    assert account.deploy("less", bad)["status"] == "FAILED"
    assert ask(account.client("sagemaker-runtime"), "less-dev") == "1"


def _champion(account: Account) -> str:
    champion = account.ledger.champion(PROJECT)
    assert champion is not None
    return champion.version


def _serving(account: Account) -> str:
    """The configuration of the endpoint, which must be in service."""
    found = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert found["EndpointStatus"] == "InService"
    return str(found["EndpointConfigName"])


def _assert_says(body: str, reason: str) -> None:
    assert any(part in body for part in reason.split("|")), body


def _held(account: Account, execution: str) -> tuple[datetime, datetime]:
    """When a deployment had its lock: from its plan to the lock's release."""
    states = account.client("stepfunctions")
    events = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    entered = {
        event["stateEnteredEventDetails"]["name"]: event["timestamp"]
        for event in reversed(events)
        if "stateEnteredEventDetails" in event
    }
    released = [entered[name] for name in entered if name.startswith("ReleaseLock")]
    return entered["PlanEndpoint"], min(released)


def _change_by_hand(account: Account) -> dict[str, Any]:
    """Another capture share, a VPC and a tag, as somebody with a console would."""
    sagemaker = account.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    variant = config["ProductionVariants"][0]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    sagemaker.create_model(
        ModelName="by-hand",
        PrimaryContainer=model["PrimaryContainer"],
        ExecutionRoleArn=model["ExecutionRoleArn"],
        EnableNetworkIsolation=True,
        VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    )
    changed = {
        "EndpointConfigName": "by-hand",
        "ProductionVariants": [variant | {"ModelName": "by-hand"}],
        "DataCaptureConfig": config["DataCaptureConfig"] | {"InitialSamplingPercentage": 37},
    }
    sagemaker.create_endpoint_config(**changed)
    sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="by-hand")
    sagemaker.add_tags(
        ResourceArn=endpoint["EndpointArn"], Tags=[{"Key": "owner", "Value": "risk"}]
    )
    wait_for(lambda: _settled(account, ENDPOINT), 20, "the change by hand")
    assert _serving(account) == "by-hand"
    return changed


def _scale_by_hand(account: Account) -> dict[str, str]:
    scaled = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{ENDPOINT}/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling = account.client("application-autoscaling")
    scaling.register_scalable_target(**scaled, MinCapacity=1, MaxCapacity=3)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    scaling.put_scaling_policy(
        **scaled,
        PolicyName="by-hand",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": metric,
        },
    )
    return scaled


def _settled(account: Account, endpoint: str) -> str | None:
    found = account.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    status: str = found["EndpointStatus"]
    return status if status in ("InService", "Failed") else None


def _wait_until_gone(account: Account, endpoint: str) -> None:
    def gone() -> bool:
        try:
            account.client("sagemaker").describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            return "Could not find" in str(error)
        return False

    wait_for(gone, 20, f"the end of {endpoint}")


def _leave_failed(account: Account, endpoint: str, bad: RegisteredModel) -> None:
    """An endpoint of that name in Failed, made of the bad model."""
    sagemaker = account.client("sagemaker")
    package = sagemaker.describe_model_package(ModelPackageName=bad.model_package_arn)
    (role,) = [
        role["Arn"]
        for role in account.client("iam").list_roles(MaxItems=1000)["Roles"]
        if "Endpoint" in role["RoleName"]
        and "sagemaker.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
    ]
    name = f"{endpoint}-left"
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer=package["InferenceSpecification"]["Containers"][0],
        ExecutionRoleArn=role,
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "main",
                "ModelName": name,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=name)
    assert wait_for(lambda: _settled(account, endpoint), 30, "the endpoint to fail") == "Failed"
