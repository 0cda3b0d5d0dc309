"""PlanEndpoint, whatever is live: a fixed point, nothing lost, requests that AWS takes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.plan_endpoint.carrying import CARRIED, MODE, declared
from lambdas.plan_endpoint.guards import SCALED, LiveScaling
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.requests import NOT_SERVERLESS
from tests.infra.requests import problems
from tests.unit.lambdas.endpoints import ENDPOINT, observed, plan_of, serving

TYPES = st.sampled_from(["ml.t2.medium", "ml.m5.large", "ml.c5.xlarge"])
NETWORK = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
SECRET = "alias/ours"

specs = st.fixed_dictionaries(
    {
        "endpoint": st.just("realtime"),
        "resources": st.fixed_dictionaries(
            {"endpoint": TYPES, "endpoint_instances": st.integers(1, 4)}
        ),
        "capture": st.fixed_dictionaries({"sampling_percentage": st.integers(0, 100)}),
        "deployment": st.fixed_dictionaries(
            {
                "rollout": st.sampled_from(["canary", "linear", "all_at_once"]),
                "bake_seconds": st.integers(0, 900),
                "alarms": st.fixed_dictionaries(
                    {"errors": st.booleans(), "latency_ms": st.sampled_from([None, 20, 31.5])}
                ),
            }
        ),
        "scaling": st.none()
        | st.fixed_dictionaries(
            {
                "min": st.integers(1, 2),
                "max": st.integers(2, 9),
                "invocations_per_instance": st.sampled_from([100, 250.5]),
            }
        ),
    }
)

instances = st.fixed_dictionaries(
    {
        "VariantName": st.just("main"),
        "ModelName": st.just("their-model"),
        "InitialInstanceCount": st.integers(1, 6),
        "InstanceType": TYPES,
        "InitialVariantWeight": st.sampled_from([0.5, 1.0, 9.0]),
    },
    optional={
        "VolumeSizeInGB": st.integers(1, 512),
        "ModelDataDownloadTimeoutInSeconds": st.integers(60, 3600),
        "RoutingConfig": st.just({"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}),
        "EnableSSMAccess": st.booleans(),
    },
)
functions = st.fixed_dictionaries(
    {
        "VariantName": st.just("main"),
        "ModelName": st.just("their-model"),
        "InitialVariantWeight": st.just(1.0),
        "ServerlessConfig": st.fixed_dictionaries(
            {
                "MemorySizeInMB": st.sampled_from([1024, 6144]),
                "MaxConcurrency": st.integers(5, 200),
            },
            optional={"ProvisionedConcurrency": st.integers(1, 5)},
        ),
    }
)
others = st.lists(st.sampled_from(["blue", "green", "rival"]), unique=True, max_size=2)


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """A config that somebody made, with or without what a project declared when it was made."""
    own = draw(instances | functions)
    config: dict[str, Any] = {"EndpointConfigName": "by-hand", "ProductionVariants": [own]}
    if "ServerlessConfig" not in own:
        beside = [own | {"VariantName": name} for name in draw(others)]
        config["ProductionVariants"] = draw(st.permutations([own, *beside]))
        config |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "VpcConfig": st.just(NETWORK),
                    "EnableNetworkIsolation": st.just(True),
                    "DataCaptureConfig": st.fixed_dictionaries(
                        {
                            "EnableCapture": st.booleans(),
                            "InitialSamplingPercentage": st.integers(0, 100),
                            "DestinationS3Uri": st.just("s3://theirs/capture"),
                            "CaptureOptions": st.just([{"CaptureMode": "Input"}]),
                        }
                    ),
                },
            )
        )
        if len(config["ProductionVariants"]) == 1 and draw(st.booleans()):
            config["ShadowProductionVariants"] = [own | {"VariantName": "shadow"}]
    config |= draw(st.fixed_dictionaries({}, optional={"KmsKeyId": st.just(SECRET)}))
    before = declared(observed(**draw(specs))) if draw(st.booleans()) else {}
    theirs = draw(st.dictionaries(st.sampled_from(["team", "cost"]), st.just("42")))
    tags = before | theirs
    return config | {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


@given(spec=specs, config=configs())
def test_what_was_planned_needs_nothing_more(spec: dict[str, Any], config: dict[str, Any]) -> None:
    seen = observed(**spec)
    first = plan_of(serving(seen, config), "2")
    assert first == plan_of(serving(seen, config), "2")
    again = plan_of(serving(seen, dict(first.create_endpoint_config or {})), "2")
    assert again.action == "unchanged"
    assert again.create_model == first.create_model
    assert again.create_endpoint_config == first.create_endpoint_config


@given(spec=specs, config=configs())
def test_nothing_that_is_live_is_lost(spec: dict[str, Any], config: dict[str, Any]) -> None:
    planned = plan_of(serving(observed(**spec), config), "2")
    made = planned.create_endpoint_config or {}
    serverless = "ServerlessConfig" in config["ProductionVariants"][0]
    for key in (*CARRIED, "ShadowProductionVariants"):
        if key in config and not (serverless and key in NOT_SERVERLESS):
            assert made[key] == config[key]
    assert {t["Key"] for t in config["Tags"]} <= {t["Key"] for t in made["Tags"]}
    for live, kept in zip(config["ProductionVariants"], made["ProductionVariants"], strict=True):
        assert set(live) <= set(kept)
        assert kept == live or kept["VariantName"] == "main"
    assert ("DataCaptureConfig" in made) is not serverless


@settings(deadline=None)  # the first request reads botocore's models
@given(spec=specs, config=configs())
def test_every_request_is_one_that_aws_takes(spec: dict[str, Any], config: dict[str, Any]) -> None:
    planned = plan_of(serving(observed(**spec), config), "2")
    asked = {
        "CreateModel": planned.create_model,
        "CreateEndpointConfig": planned.create_endpoint_config,
        "UpdateEndpoint": planned.update_endpoint,
    }
    for operation, request in asked.items():
        assert problems("sagemaker", operation, dict(request or {})) == []
    for step in [*planned.before, *planned.after, *planned.undo]:
        service, operation = OPERATIONS[step.action]
        assert problems(service, operation, step.request) == []


@given(spec=specs, config=configs())
def test_there_is_a_way_back_from_every_update(
    spec: dict[str, Any], config: dict[str, Any]
) -> None:
    """By an update, or by making the endpoint anew: the only way if its mode changed."""
    tags = [tag for tag in config["Tags"] if tag["Key"] != MODE]
    config = config | {"Tags": [*tags, {"Key": MODE, "Value": "serverless"}]}
    planned = plan_of(serving(observed(**spec), config), "2")
    switched = "ServerlessConfig" in _own(config)
    assert planned.action == "update"
    assert "InstanceType" in _own(planned.create_endpoint_config or {})
    assert (planned.restore_endpoint is None) is switched
    for request in (planned.restore_endpoint, planned.recreate_endpoint):
        assert request is None or request["EndpointConfigName"] == config["EndpointConfigName"]
    anew = dict(planned.recreate_endpoint or {})
    assert problems("sagemaker", "CreateEndpoint", anew) == []
    if switched:
        assert "DeploymentConfig" not in (planned.update_endpoint or {})


OPERATIONS = {
    "put_alarm": ("cloudwatch", "PutMetricAlarm"),
    "register": ("application-autoscaling", "RegisterScalableTarget"),
    "deregister": ("application-autoscaling", "DeregisterScalableTarget"),
    "put_policy": ("application-autoscaling", "PutScalingPolicy"),
    "put_schedule": ("application-autoscaling", "PutScheduledAction"),
}

TARGET = SCALED | {"ResourceId": f"endpoint/{ENDPOINT}/variant/main"}


@given(spec=specs, config=configs(), low=st.integers(1, 3), high=st.integers(3, 9))
def test_an_update_that_changes_the_type_is_never_met_by_a_target(
    spec: dict[str, Any], config: dict[str, Any], low: int, high: int
) -> None:
    """SageMaker refuses it; and whatever was taken off is put on again, both ways."""
    target = TARGET | {"MinCapacity": low, "MaxCapacity": high}
    seen = Observed(**vars(serving(observed(**spec), config)) | {"scaling": LiveScaling(target)})
    planned = plan_of(seen, "2")
    live, new = (_own(c) for c in (config, planned.create_endpoint_config or {}))
    taken_off = "deregister" in [step.action for step in planned.before]
    if "ServerlessConfig" not in live:
        assert taken_off is (live["InstanceType"] != new["InstanceType"])
    if taken_off:
        assert planned.undo[-1].request == target
        dropped = seen.spec.scaling is None and not planned.after
        assert dropped or planned.after[0].action == "register"


def _own(config: dict[str, Any]) -> dict[str, Any]:
    (own,) = [v for v in config["ProductionVariants"] if v["VariantName"] == "main"]
    return dict(own)
