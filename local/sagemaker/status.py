"""What an endpoint's document says while it changes, and what it is announced to be."""

from collections.abc import Callable

from local.sagemaker.capture import enabled
from local.sagemaker.fleet import Fleet
from local.sagemaker.store import Document, Store, now
from local.sagemaker.targets import Target


class Status:
    """The documents of all endpoints; `announce` makes an event of one.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
    """

    def __init__(self, store: Store, announce: Callable[[Document], None]) -> None:
        self._store, self._announce = store, announce

    def becomes(self, name: str, status: str, reason: str | None = None) -> None:
        """Another status, whatever serves."""
        fields = {"FailureReason": reason} if reason else {}
        self._announce(self._store.update(name, EndpointStatus=status, **fields))

    def gone(self, name: str) -> None:
        """Forgets the endpoint."""
        self._store.remove(name)

    def stage(self, name: str, target: Target, status: str) -> None:
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

    def in_service(self, name: str, fleet: Fleet, reason: str | None = None) -> None:
        """The fleet serves; `reason` is why another one does not."""
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
