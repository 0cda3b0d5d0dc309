"""Application Auto Scaling: what is registered is kept, and guards the endpoint's instances.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import client_of, wait_for
from tests.local_cloud.serving import Serving

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


@pytest.fixture(scope="module")
def serving(cloud: LocalCloud) -> Serving:
    return Serving.make(cloud)


@pytest.fixture
def endpoint(serving: Serving) -> str:
    return serving.endpoint(serving.configure(serving.variant("2")))


@pytest.fixture(scope="module")
def scaling(cloud: LocalCloud) -> Any:
    return cloud.client("application-autoscaling")


def target(endpoint: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/main",
        "ScalableDimension": DIMENSION,
    }


def test_targets_and_policies_are_kept_and_described(scaling: Any, endpoint: str) -> None:
    """https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html"""
    scaling.register_scalable_target(**target(endpoint), MinCapacity=1, MaxCapacity=3)
    scaling.register_scalable_target(**target(endpoint), MaxCapacity=4)
    scaling.put_scaling_policy(
        **target(endpoint),
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    scaling.put_scheduled_action(
        **target(endpoint),
        ScheduledActionName="night",
        Schedule="cron(0 22 * * ? *)",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1},
    )
    where = {"ServiceNamespace": "sagemaker", "ResourceIds": [target(endpoint)["ResourceId"]]}
    (found,) = scaling.describe_scalable_targets(**where)["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 4)
    (policy,) = scaling.describe_scaling_policies(**target(endpoint))["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == TRACKING
    (action,) = scaling.describe_scheduled_actions(**target(endpoint))["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}
    scaling.deregister_scalable_target(**target(endpoint))
    assert scaling.describe_scheduled_actions(**target(endpoint))["ScheduledActions"] == []
    assert scaling.describe_scalable_targets(**where)["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(**target(endpoint))["ScalingPolicies"] == []


def test_what_is_not_there_is_not_found(scaling: Any, endpoint: str) -> None:
    """https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html"""
    not_found = scaling.exceptions.ObjectNotFoundException
    with pytest.raises(not_found, match="No scalable target registered"):
        scaling.put_scaling_policy(**target(endpoint), PolicyName="load")
    with pytest.raises(not_found):
        scaling.deregister_scalable_target(**target(endpoint))
    invalid = scaling.exceptions.ValidationException
    with pytest.raises(invalid, match="MinCapacity and MaxCapacity"):
        scaling.register_scalable_target(**target(endpoint), MinCapacity=1)
    with pytest.raises(invalid, match="does not exist"):
        scaling.register_scalable_target(**target("nobody"), MinCapacity=1, MaxCapacity=2)


def test_a_registered_variant_keeps_its_instance_type(
    scaling: Any, serving: Serving, endpoint: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html"""
    scaling.register_scalable_target(**target(endpoint), MinCapacity=1, MaxCapacity=3)
    larger = serving.configure(serving.variant("3", InstanceType="ml.m5.xlarge"))
    with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=larger)
    another = serving.configure(serving.variant("3"))
    assert serving.update(endpoint, another)["EndpointConfigName"] == another
    scaling.deregister_scalable_target(**target(endpoint))
    assert serving.update(endpoint, larger)["EndpointConfigName"] == larger


def test_a_deleted_endpoint_is_deregistered(scaling: Any, serving: Serving, endpoint: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-delete-with-scaling.html"""
    scaling.register_scalable_target(**target(endpoint), MinCapacity=1, MaxCapacity=3)
    serving.client.delete_endpoint(EndpointName=endpoint)
    resources = [target(endpoint)["ResourceId"]]
    wait_for(
        lambda: (
            not scaling.describe_scalable_targets(
                ServiceNamespace="sagemaker", ResourceIds=resources
            )["ScalableTargets"]
        )
    )


def test_registering_needs_permission_for_the_target_and_for_the_endpoint(
    cloud: LocalCloud, endpoint: str
) -> None:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html"""
    account = "us-east-1:000000000000"
    own = (
        [
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:PutScalingPolicy",
        ],
        f"arn:aws:application-autoscaling:{account}:scalable-target/*",
    )
    of_endpoint = (
        ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
        f"arn:aws:sagemaker:{account}:endpoint/{endpoint}",
    )
    of_alarms = (
        "cloudwatch:PutMetricAlarm",
        f"arn:aws:cloudwatch:{account}:alarm:TargetTracking-endpoint/{endpoint}/variant/*",
    )
    clients = [
        client_of(cloud, f"u-{uuid.uuid4().hex[:8]}", *statements)("application-autoscaling")
        for statements in (
            (own,),
            (of_endpoint,),
            (own, of_endpoint),
            (own, of_endpoint, of_alarms),
        )
    ]
    for client in clients[:2]:
        with pytest.raises(ClientError, match="not authorized"):
            client.register_scalable_target(**target(endpoint), MinCapacity=1, MaxCapacity=3)
    clients[2].register_scalable_target(**target(endpoint), MinCapacity=1, MaxCapacity=3)
    policy = target(endpoint) | {"PolicyName": "load", "PolicyType": "TargetTrackingScaling"}
    with pytest.raises(ClientError, match="not authorized"):
        clients[2].put_scaling_policy(**policy, TargetTrackingScalingPolicyConfiguration=TRACKING)
    clients[3].put_scaling_policy(**policy, TargetTrackingScalingPolicyConfiguration=TRACKING)
