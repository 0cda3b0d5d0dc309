"""What is shadowed, and how its answers compare: read from SageMaker, the capture, CloudWatch."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dropforge import names
from dropforge.aws.clients import client
from dropforge.aws.documents import list_objects, read_bytes
from dropforge.captured import Captured, Compared, compare, read_captured
from dropforge.cli.endpoint import Endpoint
from dropforge.cli.session import Session
from dropforge.layout import S3Uri

MOST_FILES = 500
"""Of each variant, the newest capture files: SageMaker writes one every few minutes or 5 MB."""

MOST_DAYS = 14
"""CloudWatch answers 1,440 points at most."""


@dataclass(frozen=True)
class Shadowed:
    """The shadow, since when, and how its captured answers compare with production's.

    `version` is None without one of ours; `by_hand` names one that somebody else set up. Latencies
    are the model's own, in milliseconds: the highest p95 of an hour.
    """

    champion: str | None = None
    version: str | None = None
    percent: int | None = None
    since: dt.datetime | None = None
    by_hand: str | None = None
    compared: Compared = Compared()
    shadow_p95_ms: float | None = None
    production_p95_ms: float | None = None


def look(session: Session, project: str) -> Shadowed:
    """The project's shadow as it is now."""
    champion, noted = session.ledger.champion(project), session.ledger.shadow(project)
    endpoint = Endpoint(project, session.stage).describe() or {}
    live = [v["VariantName"] for v in endpoint.get("ShadowProductionVariants") or []]
    version = champion.version if champion else None
    if not live:
        return Shadowed(champion=version)
    shadow = names.shadow_variant(noted.version, noted.percent) if noted else None
    if noted is None or live != [shadow]:
        return Shadowed(champion=version, by_hand=", ".join(live))
    return Shadowed(
        champion=version,
        version=noted.version,
        percent=noted.percent,
        since=noted.since,
        compared=compare(
            _captured(endpoint, names.VARIANT, version or "", noted.since),
            _captured(endpoint, live[0], noted.version, noted.since),
        ),
        shadow_p95_ms=_p95(endpoint["EndpointName"], live[0], noted.since),
        production_p95_ms=_p95(endpoint["EndpointName"], names.VARIANT, noted.since),
    )


def _captured(
    endpoint: dict[str, Any], variant: str, version: str, since: dt.datetime
) -> list[Captured]:
    """The captured requests of a variant since then, below endpoint/variant/yyyy/mm/dd/hh
    (https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html).
    """
    place = (endpoint.get("DataCaptureConfig") or {}).get("DestinationS3Uri")
    if place is None:
        return []
    root, since = S3Uri.parse(place), since.replace(microsecond=0)  # as S3 tells the time
    prefix = f"{root / endpoint['EndpointName'] / variant}/"
    files = [item for item in list_objects(prefix) if item["LastModified"] >= since]
    newest = sorted(files, key=lambda item: item["LastModified"])[-MOST_FILES:]
    return read_captured(_lines(root.bucket, newest), version)


def _lines(bucket: str, files: list[dict[str, Any]]) -> Iterator[bytes]:
    for item in files:
        yield from read_bytes(S3Uri(bucket, item["Key"])).splitlines()


def _p95(endpoint: str, variant: str, since: dt.datetime) -> float | None:
    """ModelLatency is in microseconds
    (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
    """
    now = dt.datetime.now(dt.UTC)
    answer = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ],
        StartTime=max(since, now - dt.timedelta(days=MOST_DAYS)),
        EndTime=now + dt.timedelta(minutes=1),
        Period=3600,
        ExtendedStatistics=["p95"],
    )
    points = [point.get("ExtendedStatistics", {}) for point in answer["Datapoints"]]
    found = [point["p95"] for point in points if "p95" in point]
    return max(found) / 1000 if found else None
