"""Updates: a real second fleet, a real shift of traffic, alarms, roll-back, nobody turned away.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import wait_for
from tests.local_cloud.serving import Document, Serving, guardrails, invoke, settled, shift
from tests.local_cloud.test_metrics import statistics


@pytest.fixture(scope="module")
def serving(cloud: LocalCloud) -> Serving:
    return Serving.make(
        cloud,
        ("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a-*"),
    )


@pytest.fixture
def alarm(cloud: LocalCloud) -> str:
    """An alarm that nothing sets off but SetAlarmState."""
    return make_alarm(cloud, EndpointName="none")


def make_alarm(cloud: LocalCloud, **dimensions: str) -> str:
    """An alarm on server errors of a variant; its name."""
    name = f"a-{uuid.uuid4().hex[:8]}"
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def ring(cloud: LocalCloud, alarm: str) -> None:
    """Sets the alarm off."""
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName=alarm, StateValue="ALARM", StateReason="a test"
    )


class Load:
    """Requests, one after the other, on four threads, until the end of the block."""

    def __init__(self, cloud: LocalCloud, endpoint: str) -> None:
        self._cloud, self._endpoint = cloud, endpoint
        self._over = threading.Event()
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> "Load":
        self._pool = ThreadPoolExecutor(4)
        self._threads = [self._pool.submit(self._ask) for _ in range(4)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.result()
        self._pool.shutdown()

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                self.answers[invoke(self._cloud, self._endpoint, "1")] += 1
            except ClientError as error:
                self.failures.append(str(error))


def test_ten_updates_in_a_row_turn_nobody_away(cloud: LocalCloud, serving: Serving) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html"""
    configs = [serving.configure(serving.variant(factor)) for factor in ("2", "3")]
    endpoint = serving.endpoint(configs[0])
    with Load(cloud, endpoint) as load:
        for number in range(10):
            after = serving.update(endpoint, configs[(number + 1) % 2])
            assert after["EndpointConfigName"] == configs[(number + 1) % 2]
    assert load.failures == []
    assert set(load.answers) == {"2", "3"}


def test_a_request_in_flight_is_answered_by_the_fleet_that_took_it(
    cloud: LocalCloud, serving: Serving, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html"""
    endpoint = serving.endpoint(serving.configure(serving.variant("2")))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(invoke, cloud, endpoint, f"hold {tmp_path / 'released'}")
        invoke(cloud, endpoint, "1")
        serving.update(endpoint, serving.configure(serving.variant("3")))
        assert invoke(cloud, endpoint, "1") == "3"
        assert not held.done()
        (tmp_path / "released").touch()
        assert held.result() == "2"
    wait_for(lambda: len(list((cloud.home.endpoints / endpoint).iterdir())) == 1)


def test_the_old_fleet_is_kept_while_the_new_one_bakes_with_all_the_traffic(
    cloud: LocalCloud, serving: Serving, alarm: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html"""
    before = serving.configure(serving.variant("2"))
    endpoint = serving.endpoint(before)
    fleets = cloud.home.endpoints / endpoint
    serving.client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=serving.configure(serving.variant("3")),
        DeploymentConfig=guardrails(
            shift("ALL_AT_ONCE", 0), (alarm,), TerminationWaitInSeconds=3600
        ),
    )
    wait_for(lambda: invoke(cloud, endpoint, "1") == "3")
    assert len(list(fleets.iterdir())) == 2
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("Updating", before)
    ring(cloud, alarm)
    found = settled(cloud, endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", before)
    assert alarm in found["FailureReason"]
    assert "PendingDeploymentSummary" not in found
    assert invoke(cloud, endpoint, "1") == "2"
    wait_for(lambda: len(list(fleets.iterdir())) == 1)


@pytest.mark.parametrize(
    ("routing", "share"),
    [(shift("CANARY", 3600, 25), 0.25), (shift("LINEAR", 3600, 50), 0.5)],
)
def test_a_share_of_the_requests_goes_to_the_new_fleet(
    cloud: LocalCloud, serving: Serving, alarm: str, routing: Document, share: float
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html
    """
    before = serving.configure(serving.variant("2", InitialInstanceCount=4))
    after = serving.configure(serving.variant("3", InitialInstanceCount=4))
    endpoint = serving.endpoint(before)
    serving.client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=after,
        DeploymentConfig=guardrails(routing, (alarm,)),
    )

    def baking() -> Document | None:
        found: Document = serving.client.describe_endpoint(EndpointName=endpoint)
        variants = (found.get("PendingDeploymentSummary") or {}).get("ProductionVariants") or [{}]
        stages = variants[0].get("VariantStatus") or [{}]
        return found if stages[0].get("Status") == "Baking" else None

    described = wait_for(baking)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", before)
    answers = Counter(invoke(cloud, endpoint, "1") for _ in range(40))
    assert answers == {"2": 40 - 40 * share, "3": 40 * share}
    ring(cloud, alarm)
    assert settled(cloud, endpoint)["EndpointConfigName"] == before


@pytest.mark.parametrize(
    "deployment",
    [
        guardrails(shift("CANARY", 0, 50)),
        guardrails(shift("LINEAR", 0, 50)),
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": 0,
            }
        },
    ],
    ids=["canary", "linear", "rolling"],
)
def test_in_the_end_all_requests_go_to_the_new_fleet(
    cloud: LocalCloud, serving: Serving, deployment: Document
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html"""
    endpoint = serving.endpoint(serving.configure(serving.variant("2", InitialInstanceCount=2)))
    after = serving.configure(serving.variant("3", InitialInstanceCount=2))
    found = serving.update(endpoint, after, DeploymentConfig=deployment)
    assert found["EndpointConfigName"] == after
    assert found["LastDeploymentConfig"] == deployment
    assert {invoke(cloud, endpoint, "1") for _ in range(8)} == {"3"}


ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 3600,
    }
}


@pytest.mark.parametrize("lost", [False, True], ids=["rolled back", "not even that"])
def test_a_rolling_update_that_is_taken_back_starts_old_instances_again(
    cloud: LocalCloud, alarm: str, lost: bool
) -> None:
    """Without them the endpoint answers with a mix, until another update makes it whole:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html
    """
    own = Serving.make(
        cloud,
        ("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a-*"),
    )
    before, after = (own.configure(own.variant(factor, InitialInstanceCount=2)) for factor in "23")
    endpoint = own.endpoint(before)
    deployment = ROLLING | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}
    own.client.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=after, DeploymentConfig=deployment
    )
    wait_for(lambda: {invoke(cloud, endpoint, "1") for _ in range(4)} == {"2", "3"})
    if lost:
        cloud.client("s3").delete_object(Bucket=own.bucket, Key="m2/model.txt")
    ring(cloud, alarm)
    found = settled(cloud, endpoint)
    assert alarm in found["FailureReason"]
    if not lost:
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", before)
        assert {invoke(cloud, endpoint, "1") for _ in range(4)} == {"2"}
        return
    assert found["EndpointStatus"] == "UpdateRollbackFailed"
    assert {invoke(cloud, endpoint, "1") for _ in range(4)} == {"2", "3"}
    broken = own.configure(own.variant(environment={"FACTOR": "4", "BROKEN": "1"}))
    assert own.update(endpoint, broken)["EndpointStatus"] == "UpdateRollbackFailed"
    assert own.update(endpoint, after)["EndpointStatus"] == "InService"
    assert {invoke(cloud, endpoint, "1") for _ in range(4)} == {"3"}
    wait_for(lambda: len(list((cloud.home.endpoints / endpoint).iterdir())) == 1)


def test_errors_of_the_new_fleet_ring_a_real_alarm(cloud: LocalCloud, serving: Serving) -> None:
    """Metrics by variant: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"""
    before = serving.configure(serving.variant("2"))
    endpoint = serving.endpoint(before)
    alarm = make_alarm(cloud, EndpointName=endpoint, VariantName="main")
    failing = serving.configure(serving.variant("3", environment={"FAILING": "1"}))
    deployment = guardrails(shift("ALL_AT_ONCE", 0), (alarm,), TerminationWaitInSeconds=3600)
    with Load(cloud, endpoint) as load:
        found = serving.update(endpoint, failing, DeploymentConfig=deployment)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", before)
        assert alarm in found["FailureReason"]
    assert load.failures and set(load.answers) == {"2"}
    # The alarm recovers with the endpoint, so the next update is not rolled back for it; once it
    # knows of every failure.
    names = {"EndpointName": endpoint, "VariantName": "main"}
    counted = len(load.failures)
    wait_for(lambda: statistics(cloud, "Invocation5XXErrors", **names).get("Sum") == counted)
    wait_for(lambda: _state(cloud, alarm) == "OK")
    after = serving.configure(serving.variant("3"))
    deployment = guardrails(shift("ALL_AT_ONCE", 0), (alarm,), TerminationWaitInSeconds=60)
    assert (
        serving.update(endpoint, after, DeploymentConfig=deployment)["EndpointConfigName"] == after
    )


def _state(cloud: LocalCloud, alarm: str) -> str:
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found[0]["StateValue"])


def test_alarms_must_exist_and_be_seen_by_the_models_role(
    cloud: LocalCloud, serving: Serving, alarm: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html"""
    blind = Serving.make(cloud)
    for owner, name, said in (
        (serving, "a-nobody", "a-nobody"),
        (blind, alarm, "cloudwatch:DescribeAlarms"),
    ):
        endpoint = owner.endpoint(owner.configure(owner.variant("2")))
        with pytest.raises(ClientError, match=said):
            owner.client.update_endpoint(
                EndpointName=endpoint,
                EndpointConfigName=owner.configure(owner.variant("3")),
                DeploymentConfig=guardrails(shift("ALL_AT_ONCE", 60), (name,)),
            )


_ONE = {"Type": "INSTANCE_COUNT", "Value": 1}
_ROLLING = {"RollingUpdatePolicy": {"MaximumBatchSize": _ONE, "WaitIntervalInSeconds": 0}}


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        (guardrails(shift("CANARY", 60, 60)), "CanarySize must be between"),
        (guardrails(shift("LINEAR", 60, 5)), "LinearStepSize must be between"),
        (guardrails(shift("CANARY", 60)), "CanarySize is required"),
        (guardrails(shift("LINEAR", 60, 50) | {"CanarySize": _ONE}), "CanarySize is not allowed"),
        (
            guardrails(
                shift("CANARY", 600, 50),
                TerminationWaitInSeconds=300,
                MaximumExecutionTimeoutInSeconds=900,
            ),
            "must be larger than the total waiting time",
        ),
        (guardrails(shift("ALL_AT_ONCE", 0)) | _ROLLING, "Only one update policy"),
    ],
)
def test_deployments_that_cannot_be_are_refused(
    serving: Serving, two_instances: str, deployment: Document, said: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html"""
    config = serving.configure(serving.variant("3", InitialInstanceCount=2))
    with pytest.raises(ClientError, match=said):
        serving.client.update_endpoint(
            EndpointName=two_instances, EndpointConfigName=config, DeploymentConfig=deployment
        )


@pytest.fixture(scope="module")
def two_instances(serving: Serving) -> str:
    return serving.endpoint(serving.configure(serving.variant("2", InitialInstanceCount=2)))


def test_a_canary_is_at_most_half_of_the_instances_that_will_be(
    serving: Serving, two_instances: str
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html"""
    one = serving.configure(serving.variant("3", InitialInstanceCount=1))
    renamed = serving.configure(serving.variant("3", name="other", InitialInstanceCount=2))
    for config, said in ((one, "between 1% and 50%"), (renamed, "same variant names")):
        with pytest.raises(ClientError, match=said):
            serving.client.update_endpoint(
                EndpointName=two_instances,
                EndpointConfigName=config,
                DeploymentConfig=guardrails(shift("CANARY", 60, 50)),
            )
    # Two are retained, whatever the configuration says.
    found = serving.update(
        two_instances,
        one,
        RetainAllVariantProperties=True,
        DeploymentConfig=guardrails(shift("CANARY", 0, 50)),
    )
    assert found["EndpointConfigName"] == one
    assert found["ProductionVariants"][0]["DesiredInstanceCount"] == 2


def test_weights_are_kept_or_not_as_the_update_says(cloud: LocalCloud, serving: Serving) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
    """

    def two() -> str:
        return serving.configure(
            serving.variant("2", "main", InitialVariantWeight=1),
            serving.variant("3", "other", InitialVariantWeight=0),
        )

    endpoint = serving.endpoint(two())
    assert {invoke(cloud, endpoint, "1") for _ in range(8)} == {"2"}
    assert _variant_of(cloud, endpoint, TargetVariant="other") == ("other", "3")
    with pytest.raises(ClientError, match="not present within endpoint configuration"):
        _weigh(serving, endpoint, nobody=1)
    _weigh(serving, endpoint, main=0, other=1)
    settled(cloud, endpoint)
    assert {_variant_of(cloud, endpoint) for _ in range(8)} == {("other", "3")}
    serving.update(endpoint, two(), RetainAllVariantProperties=True)
    assert {_variant_of(cloud, endpoint) for _ in range(8)} == {("other", "3")}
    serving.update(
        endpoint,
        two(),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert {_variant_of(cloud, endpoint) for _ in range(8)} == {("main", "2")}


def _weigh(serving: Serving, endpoint: str, **weights: float) -> None:
    serving.client.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
        ],
    )


def _variant_of(cloud: LocalCloud, endpoint: str, **options: Any) -> tuple[str, str]:
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Body=b"1", **options
    )
    return answer["InvokedProductionVariant"], answer["Body"].read().decode()
