"""The life of an endpoint: creating, blue/green updating with roll-back, deleting, restarting.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3

from local.corrections.gateway import arn
from local.home import Home
from local.sagemaker.errors import Invalid
from local.sagemaker.fleet import Fleet, FleetFailed, clear, folder_of, launch
from local.sagemaker.models import Models
from local.sagemaker.store import Document, Store, now

EVENT = "SageMaker Endpoint State Change"
_CHANGING = ("Creating", "Updating", "RollingBack", "Deleting", "SystemUpdating")


class Endpoints:
    """All endpoints of the account."""

    def __init__(
        self, home: Home, models: Models, emit: Callable[[str, str, Document], None]
    ) -> None:
        self._folder = home.endpoints
        self._store = Store(home.state / "sagemaker-endpoints.json")
        self._models = models
        self._emit = emit
        self._fleets: dict[str, Fleet] = {}

    def create(self, request: Document) -> Document:
        """Creates the endpoint and brings its servers up in the background."""
        name = request["EndpointName"]
        endpoint_arn = arn("endpoint", name)
        config = self._models.describe_endpoint_config(request)
        tags = request.pop("Tags", None)
        endpoint = {
            "EndpointName": name,
            "EndpointArn": endpoint_arn,
            "EndpointStatus": "Creating",
            "EndpointConfigName": config["EndpointConfigName"],
            "CreationTime": now(),
            "LastModifiedTime": now(),
        }
        self._store.add(
            name,
            endpoint,
            lambda _: Invalid(f'Cannot create already existing endpoint "{endpoint_arn}".'),
        )
        self._announce(endpoint)
        self._in_background(self._create, name, config)
        return {"EndpointArn": endpoint_arn, "Tags": tags}

    def describe(self, request: Document) -> Document:
        """The endpoint as it is."""
        endpoint = self._store.get(request["EndpointName"])
        if endpoint is None:
            raise Invalid(f'Could not find endpoint "{arn("endpoint", request["EndpointName"])}".')
        fleet = self._fleets.get(request["EndpointName"])
        if fleet is not None:
            endpoint["ProductionVariants"] = fleet.describe()
        return {key: value for key, value in endpoint.items() if not key.startswith("_")}

    def list(self, request: Document) -> Document:
        """Summaries, newest first."""
        fields = (
            "EndpointName",
            "EndpointArn",
            "CreationTime",
            "LastModifiedTime",
            "EndpointStatus",
        )
        wanted = [
            item
            for item in self._store
            if request.get("NameContains", "") in item["EndpointName"]
            and request.get("StatusEquals", item["EndpointStatus"]) == item["EndpointStatus"]
        ]
        wanted.sort(
            key=lambda item: item["CreationTime"],
            reverse=request.get("SortOrder", "Descending") == "Descending",
        )
        return {
            "Endpoints": [
                {field: item[field] for field in fields}
                for item in wanted[: request.get("MaxResults", 100)]
            ]
        }

    def update(self, request: Document) -> Document:
        """Deploys another configuration beside the present one, then swaps.

        A Failed endpoint accepts only deletion; one that is being changed accepts nothing.
        """
        name = request["EndpointName"]
        endpoint = self.describe(request)
        self._refuse_while_changing(endpoint)
        if endpoint["EndpointStatus"] == "Failed":
            raise Invalid(f'Cannot update endpoint "{endpoint["EndpointArn"]}" in Failed status.')
        config = self._models.describe_endpoint_config(request)
        capture = config.get("DataCaptureConfig")
        excluded = [
            item["VariantPropertyType"]
            for item in request.get("ExcludeRetainedVariantProperties") or []
        ]
        if request.get("RetainAllVariantProperties") and "DataCaptureConfig" not in excluded:
            capture = self._fleets[name].capture
        self._announce(
            self._store.update(
                name,
                EndpointStatus="Updating",
                FailureReason=None,
                LastDeploymentConfig=request.get("DeploymentConfig"),
                PendingDeploymentSummary={"EndpointConfigName": config["EndpointConfigName"]},
            )
        )
        self._in_background(
            self._update, name, config, capture, request.get("DeploymentConfig") or {}
        )
        return {"EndpointArn": endpoint["EndpointArn"]}

    def delete(self, request: Document) -> Document:
        """Stops the servers and forgets the endpoint."""
        name = request["EndpointName"]
        self._refuse_while_changing(self.describe(request))
        endpoint = self._store.update(name, EndpointStatus="Deleting")
        self._announce(endpoint)
        self._in_background(self._delete, name)
        return {}

    def serving(self, name: str) -> Fleet | None:
        """The servers that answer now; None if the endpoint does not serve."""
        return self._fleets.get(name)

    def resume(self) -> None:
        """After a restart: what was in service serves again, what was changing falls back."""
        for endpoint in self._store:
            name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
            clear(folder_of(self._folder, name))
            if status == "Deleting":
                self._store.remove(name)
            elif status != "Failed":
                config = self._models.describe_endpoint_config(endpoint)
                # Until its servers are up again, as while SageMaker maintains an endpoint.
                self._store.update(
                    name, EndpointStatus="SystemUpdating", PendingDeploymentSummary=None
                )
                self._in_background(
                    self._create,
                    name,
                    config,
                    endpoint.get("_capture", config.get("DataCaptureConfig")),
                )

    def shutdown(self) -> None:
        """Stops every server; documents stay."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Fleet.stop, list(self._fleets.values())))

    def _create(self, name: str, config: Document, capture: Document | None = None) -> None:
        capture = capture or config.get("DataCaptureConfig")
        try:
            fleet = launch(name, config, self._models, folder_of(self._folder, name), capture)
        except FleetFailed as failure:
            self._announce(
                self._store.update(name, EndpointStatus="Failed", FailureReason=str(failure))
            )
            return
        self._fleets[name] = fleet
        self._in_service(name, fleet)

    def _update(
        self, name: str, config: Document, capture: Document | None, deployment: Document
    ) -> None:
        old = self._fleets[name]
        alarms = [
            alarm["AlarmName"]
            for alarm in (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms") or []
        ]
        try:
            new = launch(name, config, self._models, folder_of(self._folder, name), capture)
        except FleetFailed as failure:
            self._roll_back(name, old, str(failure))
            return
        self._fleets[name] = new
        if ringing := _ringing(alarms):
            self._fleets[name] = old
            new.stop()
            self._roll_back(
                name,
                old,
                f"One or more of the configured alarms went into alarm "
                f"during the deployment: {', '.join(ringing)}.",
            )
            return
        self._in_service(name, new)
        old.stop()

    def _roll_back(self, name: str, old: Fleet, reason: str) -> None:
        self._announce(self._store.update(name, EndpointStatus="RollingBack"))
        self._in_service(name, old, reason)

    def _in_service(self, name: str, fleet: Fleet, reason: str | None = None) -> None:
        shown = None
        if fleet.capture:
            shown = {
                "EnableCapture": bool(fleet.capture.get("EnableCapture")),
                "CaptureStatus": "Started" if fleet.capture.get("EnableCapture") else "Stopped",
                "CurrentSamplingPercentage": fleet.capture["InitialSamplingPercentage"],
                "DestinationS3Uri": fleet.capture["DestinationS3Uri"],
                "KmsKeyId": fleet.capture.get("KmsKeyId", ""),
            }
        self._announce(
            self._store.update(
                name,
                EndpointStatus="InService",
                EndpointConfigName=fleet.config_name,
                FailureReason=reason,
                PendingDeploymentSummary=None,
                DataCaptureConfig=shown,
                ProductionVariants=fleet.describe(),
                _capture=fleet.capture,
            )
        )

    def _delete(self, name: str) -> None:
        fleet = self._fleets.pop(name, None)
        if fleet is not None:
            fleet.stop()
        clear(folder_of(self._folder, name))
        self._store.remove(name)

    def _refuse_while_changing(self, endpoint: Document) -> None:
        if endpoint["EndpointStatus"] in _CHANGING:
            raise Invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')

    def _announce(self, endpoint: Document) -> None:
        self._emit(EVENT, endpoint["EndpointArn"], endpoint)

    @staticmethod
    def _in_background(work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True, name="endpoint").start()


def _ringing(alarms: list[str]) -> list[str]:
    """Those of the alarms that are in ALARM; the bake time is cut to a moment."""
    if not alarms:
        return []
    time.sleep(0.2)
    client = boto3.client("cloudwatch", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    found = client.describe_alarms(AlarmNames=alarms, StateValue="ALARM")
    return [alarm["AlarmName"] for alarm in found["MetricAlarms"]]
