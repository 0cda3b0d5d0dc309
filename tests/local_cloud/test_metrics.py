"""Metrics of endpoints, and alarms that look at what they are told to look at.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import wait_for
from tests.local_cloud.serving import Serving, invoke


@pytest.fixture(scope="module")
def serving(cloud: LocalCloud) -> Serving:
    return Serving.make(cloud)


def statistics(cloud: LocalCloud, metric: str, **dimensions: str) -> dict[str, float]:
    """SampleCount, Sum and Maximum of the last minutes; empty without data."""
    now = datetime.now(UTC)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["SampleCount", "Sum", "Maximum"],
    )["Datapoints"]
    names = ("SampleCount", "Sum", "Maximum")
    return {name: sum(point[name] for point in points) for name in names} if points else {}


def test_invocations_errors_and_latency_are_metrics(cloud: LocalCloud, serving: Serving) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"""
    config = serving.configure(serving.variant("2"))
    endpoint = serving.endpoint(config)
    for body in ("1", "2", "3"):
        invoke(cloud, endpoint, body)
    for body in ("fail", "no number", "no number"):
        with pytest.raises(ClientError, match="ModelError"):
            invoke(cloud, endpoint, body)
    variant = {"EndpointName": endpoint, "VariantName": "main"}
    wait_for(lambda: statistics(cloud, "Invocations", **variant).get("Sum") == 6.0)
    for dimensions in (variant, variant | {"EndpointConfigName": config}):
        sums = {
            metric: statistics(cloud, metric, **dimensions)["Sum"]
            for metric in ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
        }
        assert sums == {
            "Invocation4XXErrors": 2.0,
            "Invocation5XXErrors": 1.0,
            "InvocationModelErrors": 3.0,
        }
        latency = statistics(cloud, "ModelLatency", **dimensions)
        assert latency["SampleCount"] == 6.0
        assert 50.0 < latency["Maximum"] < 5e6  # microseconds


class Watched:
    """One metric of an endpoint of its own, and an alarm on it; other series are noise."""

    def __init__(self, cloud: LocalCloud, namespace: str = "Test", **alarm: Any) -> None:
        self._client = cloud.client("cloudwatch")
        self._namespace, self._name = namespace, f"a-{uuid.uuid4().hex[:8]}"
        self._client.put_metric_alarm(
            AlarmName=self._name,
            Namespace=namespace,
            MetricName="Errors",
            Dimensions=self._dimensions(self._name),
            **{
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 2,
                "ComparisonOperator": "GreaterThanThreshold",
            }
            | alarm,
        )

    def put(self, value: float, age: float = 0.0, whose: str | None = None) -> None:
        """A datum, so many seconds old."""
        self._client.put_metric_data(
            Namespace=self._namespace,
            MetricData=[
                {
                    "MetricName": "Errors",
                    "Dimensions": self._dimensions(whose or self._name),
                    "Timestamp": time.time() - age,
                    "Value": value,
                }
            ],
        )

    @property
    def state(self) -> str:
        """The alarm's state."""
        (found,) = self._client.describe_alarms(AlarmNames=[self._name])["MetricAlarms"]
        return str(found["StateValue"])

    @staticmethod
    def _dimensions(name: str) -> list[dict[str, str]]:
        return [{"Name": "EndpointName", "Value": name}]


def test_an_alarm_looks_at_its_own_dimensions(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"""
    watched = Watched(cloud)
    assert watched.state == "INSUFFICIENT_DATA"
    watched.put(9.0, whose="somebody-else")
    assert watched.state == "INSUFFICIENT_DATA"
    watched.put(1.0)
    assert watched.state == "OK"
    watched.put(2.0)
    assert watched.state == "ALARM"


def test_an_alarm_counts_breaching_periods(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html"""
    watched = Watched(cloud, EvaluationPeriods=3, DatapointsToAlarm=2)
    watched.put(9.0)
    watched.put(9.0, age=200)
    assert watched.state == "OK"
    watched.put(9.0, age=90)
    assert watched.state == "ALARM"


@pytest.mark.parametrize(
    ("treatment", "state"),
    [
        ("missing", "INSUFFICIENT_DATA"),
        ("notBreaching", "OK"),
        ("breaching", "ALARM"),
        ("ignore", "ALARM"),
    ],
)
def test_missing_data_is_treated_as_the_alarm_says(
    cloud: LocalCloud, treatment: str, state: str
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

    Alarms on endpoint metrics have periods of a second here (local/pace.py), so data soon misses.
    """
    watched = Watched(cloud, "AWS/SageMaker", TreatMissingData=treatment)
    watched.put(9.0)
    watched.put(9.0)
    wait_for(lambda: watched.state == state)
    if treatment != "ignore":
        return
    time.sleep(1.1)
    assert watched.state == state


def test_percentiles_weigh_values_by_their_counts(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""
    client = cloud.client("cloudwatch")
    name = f"a-{uuid.uuid4().hex[:8]}"
    alarm = {
        "Namespace": "Test",
        "MetricName": "Latency",
        "Dimensions": [{"Name": "EndpointName", "Value": name}],
    }
    client.put_metric_alarm(
        AlarmName=name,
        **alarm,
        ExtendedStatistic="p95",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanThreshold",
    )
    datum = {key: alarm[key] for key in ("MetricName", "Dimensions")}
    for slow, state in ((1.0, "OK"), (20.0, "ALARM")):
        client.put_metric_data(
            Namespace="Test",
            MetricData=[datum | {"Values": [10.0, 900.0], "Counts": [99.0, slow]}],
        )
        (found,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert found["StateValue"] == state
