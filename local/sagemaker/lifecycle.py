"""What happens to an endpoint in the background: its fleets come, take over, and go."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import baking
from local.sagemaker.fleet import Fleet
from local.sagemaker.launching import FleetFailed, clear, folder_of, launch
from local.sagemaker.metrics import Metrics
from local.sagemaker.models import Models
from local.sagemaker.status import Status
from local.sagemaker.store import Document, Store
from local.sagemaker.targets import Target, present_target
from local.sagemaker.traffic import Traffic

# At the stop of the cloud nobody waits for the last requests as long as SageMaker does.
_STOP_GRACE = 5.0


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
        self._metrics, self._status = metrics, Status(store, announce)
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
            self._status.becomes(name, "Failed", str(failure))
            return
        self._traffic[name] = Traffic(fleet)
        self._status.in_service(name, fleet)

    def _update(self, name: str, target: Target) -> None:
        traffic = self._traffic[name]
        self._status.stage(name, target, "Creating")
        try:
            green = self._launch(name, target)
        except FleetFailed as failure:
            if traffic.mixed:
                self._status.becomes(name, "UpdateRollbackFailed", str(failure))
            else:
                self._roll_back(name, str(failure))
            return
        if reason := self._shift(name, traffic, green, target):
            if target.rollout.rolling:
                self._roll_the_old_fleet_back(name, traffic, reason)
            else:
                traffic.abandon()
                self._roll_back(name, reason)
        else:
            traffic.finish()
            self._status.in_service(name, green)
        traffic.retire_leaving()

    def _shift(self, name: str, traffic: Traffic, green: Fleet, target: Target) -> str | None:
        """Step by step to the new fleet; why that had to be given up, if it had to."""
        alarms, role = target.rollout.alarms, green.members[0].server.role_arn
        for step in target.rollout.steps:
            self._status.stage(name, target, "ActivatingTraffic")
            traffic.shift(green, step.share)
            self._status.stage(name, target, "Baking")
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
        self._status.in_service(name, fleet)

    def _delete(self, name: str) -> None:
        traffic = self._traffic.pop(name, None)
        if traffic is not None:
            traffic.retire(traffic.blue)
            traffic.stop(_STOP_GRACE)
        self.forget(name)
        self._status.gone(name)

    def _roll_back(self, name: str, reason: str) -> None:
        self._status.becomes(name, "RollingBack")
        self._status.in_service(name, self._traffic[name].blue, reason)

    def _roll_the_old_fleet_back(self, name: str, traffic: Traffic, reason: str) -> None:
        """A rolling deployment ended old instances as it went: they must be started again.

        If they do not start, both fleets go on as they are:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html
        """
        self._status.becomes(name, "RollingBack")
        before = present_target(self._store.get(name) or {}, traffic.blue.config)
        try:
            blue = self._launch(name, before)
        except FleetFailed as failure:
            self._status.becomes(name, "UpdateRollbackFailed", f"{reason} {failure}")
            return
        traffic.restore(blue)
        self._status.in_service(name, blue, reason)

    def _launch(self, name: str, target: Target) -> Fleet:
        fleet = Fleet(target.config, target.capture)
        self._launching.add(fleet)
        try:
            launch(name, fleet, self._models, folder_of(self._folder, name), target.retained)
        finally:
            self._launching.discard(fleet)
        return fleet


def _in_background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True, name="endpoint").start()
