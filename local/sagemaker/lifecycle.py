"""What happens to an endpoint in the background: its fleets come, take over, and go."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import baking
from local.sagemaker.capture import enabled
from local.sagemaker.fleet import Fleet, FleetFailed, clear, folder_of, launch
from local.sagemaker.metrics import Metrics
from local.sagemaker.models import Models
from local.sagemaker.rollout import Rollout
from local.sagemaker.store import Document, Store, now
from local.sagemaker.traffic import Traffic

# At the stop of the cloud nobody waits for the last requests as long as SageMaker does.
_STOP_GRACE = 5.0


@dataclass(frozen=True)
class Target:
    """What an endpoint is to serve, and how it comes to serve it.

    `retained`: DesiredWeight and DesiredInstanceCount by variant that outrank the configuration's.
    """

    config: Document
    capture: Document | None
    retained: dict[str, Document] = field(default_factory=dict)
    rollout: Rollout = field(default_factory=Rollout)


class Lifecycle:
    """The traffic of every endpoint that serves, and the changes under way.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        models: Models,
        metrics: Metrics,
        announce: Callable[[Document], None],
    ) -> None:
        self._folder, self._store, self._models = folder, store, models
        self._metrics, self._announce = metrics, announce
        self._traffic: dict[str, Traffic] = {}
        self._launching: set[Fleet] = set()

    def traffic(self, name: str) -> Traffic | None:
        """The traffic of an endpoint that serves."""
        return self._traffic.get(name)

    def create(self, name: str, target: Target) -> None:
        """Brings up the first fleet, in the background."""
        _in_background(self._create, name, target)

    def update(self, name: str, target: Target) -> None:
        """Brings up another fleet and shifts the traffic, in the background."""
        _in_background(self._update, name, target)

    def reweigh(self, name: str, desired: dict[str, Document]) -> None:
        """Weights and counts of variants, in the background."""
        _in_background(self._reweigh, name, desired)

    def delete(self, name: str) -> None:
        """Ends the fleets and forgets the endpoint, in the background."""
        _in_background(self._delete, name)

    def shutdown(self) -> None:
        """Ends every fleet; documents stay."""
        serving: list[Traffic | Fleet] = [*self._traffic.values(), *self._launching]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda one: one.stop(_STOP_GRACE), serving))

    def forget(self, name: str) -> None:
        """Removes what an earlier process left of the endpoint."""
        clear(folder_of(self._folder, name))

    def _create(self, name: str, target: Target) -> None:
        try:
            fleet = self._launch(name, target)
        except FleetFailed as failure:
            self._announce(
                self._store.update(name, EndpointStatus="Failed", FailureReason=str(failure))
            )
            return
        self._traffic[name] = Traffic(fleet)
        self._in_service(name, fleet)

    def _update(self, name: str, target: Target) -> None:
        traffic = self._traffic[name]
        self._stage(name, target, "Creating")
        try:
            green = self._launch(name, target)
        except FleetFailed as failure:
            self._roll_back(name, str(failure))
            return
        if reason := self._shift(name, traffic, green, target):
            traffic.abandon()
            self._roll_back(name, reason)
            traffic.retire(green)
            return
        old = traffic.finish()
        self._in_service(name, green)
        traffic.retire(old)

    def _shift(self, name: str, traffic: Traffic, green: Fleet, target: Target) -> str | None:
        """Step by step to the new fleet; why that had to be given up, if it had to."""
        alarms, role = target.rollout.alarms, green.members[0].server.role_arn
        for step in target.rollout.steps:
            self._stage(name, target, "ActivatingTraffic")
            traffic.shift(green, step.share)
            self._stage(name, target, "Baking")
            try:
                ringing = baking.bake(step.seconds, alarms, role, self._metrics.flush)
            except (ClientError, BotoCoreError) as error:
                return f"The configured alarms could not be watched: {error}"
            if ringing:
                return (
                    "One or more of the configured alarms went into alarm during the "
                    f"deployment: {', '.join(ringing)}."
                )
        return None

    def _reweigh(self, name: str, desired: dict[str, Document]) -> None:
        fleet = self._traffic[name].blue
        for member in fleet.members:
            wanted = desired.get(member.name) or {}
            member.weight = wanted.get("DesiredWeight", member.weight)
            member.count = wanted.get("DesiredInstanceCount", member.count)
        self._in_service(name, fleet)

    def _delete(self, name: str) -> None:
        traffic = self._traffic.pop(name, None)
        if traffic is not None:
            traffic.retire(traffic.blue)
            traffic.stop(_STOP_GRACE)
        self.forget(name)
        self._store.remove(name)

    def _roll_back(self, name: str, reason: str) -> None:
        self._announce(self._store.update(name, EndpointStatus="RollingBack"))
        self._in_service(name, self._traffic[name].blue, reason)

    def _launch(self, name: str, target: Target) -> Fleet:
        fleet = Fleet(target.config, target.capture)
        self._launching.add(fleet)
        try:
            launch(name, fleet, self._models, folder_of(self._folder, name), target.retained)
        finally:
            self._launching.discard(fleet)
        return fleet

    def _stage(self, name: str, target: Target, status: str) -> None:
        """PendingDeploymentSummary: how far the update is."""
        started = (self._store.get(name) or {}).get("PendingDeploymentSummary") or {}
        stage = [{"Status": status, "StartTime": now()}]
        self._store.update(
            name,
            PendingDeploymentSummary={
                "EndpointConfigName": target.config["EndpointConfigName"],
                "StartTime": started.get("StartTime", now()),
                "ProductionVariants": [
                    {"VariantName": variant["VariantName"], "VariantStatus": stage}
                    for variant in target.config["ProductionVariants"]
                ],
            },
        )

    def _in_service(self, name: str, fleet: Fleet, reason: str | None = None) -> None:
        self._announce(
            self._store.update(
                name,
                EndpointStatus="InService",
                EndpointConfigName=fleet.config_name,
                FailureReason=reason,
                PendingDeploymentSummary=None,
                DataCaptureConfig=_capture_summary(fleet.capture),
                ProductionVariants=fleet.describe(),
                ShadowProductionVariants=fleet.describe_shadows(),
                _capture=fleet.capture,
            )
        )


def _capture_summary(capture: Document | None) -> Document | None:
    if not capture:
        return None
    return {
        "EnableCapture": enabled(capture),
        "CaptureStatus": "Started" if enabled(capture) else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }


def _in_background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True, name="endpoint").start()
