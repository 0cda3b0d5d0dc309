"""Endpoint metrics in CloudWatch, in batches.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

NAMESPACE = "AWS/SageMaker"
_INTERVAL = 1.0
_VALUES, _DATA = 150, 20  # limits of one datum, and a modest request
_log = logging.getLogger(__name__)

Item = TypeVar("Item")
_Series = tuple[str, str, tuple[tuple[str, str], ...]]


class Metrics:
    """Counts what invocations took and how they ended; a thread puts it once a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[_Series, Counter[float]] = {}
        self._putting = threading.Lock()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def invocation(
        self,
        endpoint: str,
        variant: str,
        config: str,
        status: int,
        model_seconds: float,
        overhead_seconds: float,
    ) -> None:
        """One invocation: for the variant, and for the variant under its configuration.

        The second lets an alarm watch the new fleet of an update alone:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        values = (
            ("Invocations", "Count", 1.0),
            ("Invocation4XXErrors", "Count", float(400 <= status < 500)),
            ("Invocation5XXErrors", "Count", float(status >= 500 or status == 0)),
            ("InvocationModelErrors", "Count", float(not 200 <= status < 300)),
            ("ModelLatency", "Microseconds", _rounded(model_seconds * 1e6)),
            ("OverheadLatency", "Microseconds", _rounded(overhead_seconds * 1e6)),
        )
        short = (("EndpointName", endpoint), ("VariantName", variant))
        with self._lock:
            for dimensions in (short, (*short, ("EndpointConfigName", config))):
                for name, unit, value in values:
                    self._counted.setdefault((name, unit, dimensions), Counter())[value] += 1
        self._ensure_thread()
        self._news.set()

    def flush(self) -> None:
        """Puts what was counted so far; returns when CloudWatch has it."""
        with self._putting:
            with self._lock:
                counted, self._counted = self._counted, {}
            data = [
                _datum(series, part)
                for series, counts in counted.items()
                for part in _parts(sorted(counts.items()), _VALUES)
            ]
            for some in _parts(data, _DATA):
                try:
                    self._client.put_metric_data(Namespace=NAMESPACE, MetricData=list(some))
                except (ClientError, BotoCoreError) as error:
                    # Invocations go on; an alarm sees missing data.
                    _log.warning("metrics of endpoints were lost: %s", error)

    def _ensure_thread(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, daemon=True, name="metrics")
                    self._thread.start()

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            threading.Event().wait(_INTERVAL)
            self.flush()

    @cached_property
    def _client(self) -> Any:
        return boto3.client("cloudwatch", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def _datum(series: _Series, counts: Sequence[tuple[float, int]]) -> dict[str, Any]:
    name, unit, dimensions = series
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
        "Unit": unit,
        "Values": [value for value, _ in counts],
        "Counts": [float(count) for _, count in counts],
    }


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _rounded(value: float) -> float:
    """To two significant digits: few distinct values, percentiles within 5 %."""
    return float(f"{value:.1e}")
