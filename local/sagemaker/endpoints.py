"""Endpoints as the API has them: created, updated, reweighed, described, deleted.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

from collections.abc import Callable, Collection

from local.corrections.gateway import arn
from local.home import Home
from local.sagemaker.errors import Invalid
from local.sagemaker.lifecycle import Lifecycle
from local.sagemaker.metrics import Metrics
from local.sagemaker.models import Models
from local.sagemaker.scaling import ScalableTargets
from local.sagemaker.store import Document, Store, now
from local.sagemaker.targets import Target, present_target, update_target
from local.sagemaker.traffic import Traffic

EVENT = "SageMaker Endpoint State Change"
_CHANGING = ("Creating", "Updating", "RollingBack", "Deleting", "SystemUpdating")
_LISTED = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")


class Endpoints:
    """All endpoints of the account."""

    def __init__(
        self, home: Home, models: Models, emit: Callable[[str, str, Document], None]
    ) -> None:
        self.metrics = Metrics()
        self.scaling = ScalableTargets(home, self._variants)
        self._store = Store(home.state / "sagemaker-endpoints.json")
        self._models = models
        self._emit = emit
        self._lifecycle = Lifecycle(
            home.endpoints, self._store, models, self.metrics, self._announce
        )

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
        self._lifecycle.create(name, Target(config, config.get("DataCaptureConfig")))
        return {"EndpointArn": endpoint_arn, "Tags": tags}

    def describe(self, request: Document) -> Document:
        """The endpoint as it is."""
        endpoint = self._store.get(request["EndpointName"])
        if endpoint is None:
            raise Invalid(f'Could not find endpoint "{arn("endpoint", request["EndpointName"])}".')
        return {key: value for key, value in endpoint.items() if not key.startswith("_")}

    def list(self, request: Document) -> Document:
        """Summaries, newest first."""
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
                {field: item[field] for field in _LISTED}
                for item in wanted[: request.get("MaxResults", 100)]
            ]
        }

    def update(self, request: Document) -> Document:
        """Deploys another configuration beside the present one, then shifts the traffic.

        A Failed endpoint accepts only deletion; one that is being changed accepts nothing. One in
        UpdateRollbackFailed is made whole by another update:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html
        """
        name = request["EndpointName"]
        endpoint = self._changeable(request)
        if endpoint["EndpointStatus"] == "Failed":
            raise Invalid(f'Cannot update endpoint "{endpoint["EndpointArn"]}" in Failed status.')
        deployment = request.get("DeploymentConfig")
        if request.get("RetainDeploymentConfig"):
            deployment = deployment or endpoint.get("LastDeploymentConfig")
        before = self._live_config(endpoint)
        stored = self._store.get(name) or endpoint
        target = update_target(self._models, request, stored, before, deployment or {})
        self.scaling.check_update(name, before, target.config)
        self._begin(name, deployment, target.config["EndpointConfigName"])
        self._lifecycle.update(name, target)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def update_weights(self, request: Document) -> Document:
        """Other weights or instance counts for variants; a count is only recorded here.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
        """
        endpoint = self._changeable(request)
        if endpoint["EndpointStatus"] != "InService":
            raise Invalid(f'Cannot update endpoint "{endpoint["EndpointArn"]}" in Failed status.')
        wanted = {item["VariantName"]: item for item in request["DesiredWeightsAndCapacities"]}
        known = {variant["VariantName"] for variant in endpoint["ProductionVariants"]}
        if unknown := sorted(set(wanted) - known):
            raise Invalid(
                f'The variant name(s) "{", ".join(unknown)}" is/are not present within endpoint '
                f'configuration "{endpoint["EndpointConfigName"]}".'
            )
        self._announce(self._store.update(request["EndpointName"], EndpointStatus="Updating"))
        self._lifecycle.reweigh(request["EndpointName"], wanted)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def delete(self, request: Document) -> Document:
        """Stops the servers and forgets the endpoint, and its registration for scaling.

        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-delete-with-scaling.html
        """
        name = request["EndpointName"]
        self._changeable(request)
        self._announce(self._store.update(name, EndpointStatus="Deleting"))
        self.scaling.endpoint_deleted(name)
        self._lifecycle.delete(name)
        return {}

    def serving(self, name: str) -> Traffic | None:
        """Where requests go now; None if the endpoint does not serve."""
        return self._lifecycle.traffic(name)

    def resume(self) -> None:
        """After a restart: what was in service serves again, what was changing falls back."""
        for endpoint in self._store:
            name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
            self._lifecycle.forget(name)
            if status == "Deleting":
                self._store.remove(name)
            elif status != "Failed":
                config = self._models.describe_endpoint_config(endpoint)
                # Until its servers are up again, as while SageMaker maintains an endpoint.
                self._store.update(
                    name, EndpointStatus="SystemUpdating", PendingDeploymentSummary=None
                )
                self._lifecycle.create(name, present_target(endpoint, config))

    def shutdown(self) -> None:
        """Stops every server; documents stay."""
        self._lifecycle.shutdown()

    def _live_config(self, endpoint: Document) -> Document:
        """The configuration being served, which may have been deleted by now."""
        traffic = self._lifecycle.traffic(endpoint["EndpointName"])
        return traffic.blue.config if traffic else self._models.describe_endpoint_config(endpoint)

    def _begin(self, name: str, deployment: Document | None, config_name: str) -> None:
        self._announce(
            self._store.update(
                name,
                EndpointStatus="Updating",
                FailureReason=None,
                LastDeploymentConfig=deployment,
                PendingDeploymentSummary={"EndpointConfigName": config_name, "StartTime": now()},
            )
        )

    def _changeable(self, request: Document) -> Document:
        endpoint = self.describe(request)
        if endpoint["EndpointStatus"] in _CHANGING:
            raise Invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
        return endpoint

    def _variants(self, name: str) -> Collection[str]:
        endpoint = self._store.get(name) or {}
        return [variant["VariantName"] for variant in endpoint.get("ProductionVariants", [])]

    def _announce(self, endpoint: Document) -> None:
        self._emit(EVENT, endpoint["EndpointArn"], endpoint)
