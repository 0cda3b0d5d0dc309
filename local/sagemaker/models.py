"""Models and endpoint configurations: documents, and what container a model means."""

from typing import Any

from local.corrections.gateway import arn
from local.home import Home
from local.sagemaker.configs import check_config
from local.sagemaker.errors import Invalid
from local.sagemaker.registry import Registry
from local.sagemaker.store import Document, Store, now


class Models:
    """CreateModel, CreateEndpointConfig and their companions.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
    """

    def __init__(self, home: Home, registry: Registry) -> None:
        self._registry = registry
        self._models = Store(home.state / "sagemaker-models.json")
        self._configs = Store(home.state / "sagemaker-endpoint-configs.json")

    def create_model(self, request: Document) -> Document:
        """Stores the model. A package it names must exist and must not be rejected."""
        tags = request.pop("Tags", None)
        model_arn = arn("model", request["ModelName"])
        if not request.get("PrimaryContainer") and not request.get("Containers"):
            raise Invalid("Exactly one of PrimaryContainer and Containers must be given.")
        for container in containers(request):
            if package := container.get("ModelPackageName"):
                self._registry.describe_package({"ModelPackageName": package})
        document = request | {"ModelArn": model_arn, "CreationTime": now()}
        document.setdefault("EnableNetworkIsolation", False)
        self._models.add(
            request["ModelName"],
            document,
            lambda _: Invalid(f'Cannot create already existing model "{model_arn}".'),
        )
        return {"ModelArn": model_arn, "Tags": tags}

    def describe_model(self, request: Document) -> Document:
        """The model."""
        return _found(
            self._models, request["ModelName"], "model", arn("model", request["ModelName"])
        )

    def delete_model(self, request: Document) -> Document:
        """Forgets the model; endpoints that run it go on."""
        self.describe_model(request)
        self._models.remove(request["ModelName"])
        return {}

    def list_models(self, request: Document) -> Document:
        """Summaries, newest first."""
        return {"Models": _page(self._models, request, ("ModelName", "ModelArn", "CreationTime"))}

    def create_endpoint_config(self, request: Document) -> Document:
        """Stores the configuration. Its models must exist."""
        tags = request.pop("Tags", None)
        name = request["EndpointConfigName"]
        config_arn = arn("endpoint-config", name)
        check_config(request, self.describe_model)
        self._configs.add(
            name,
            request | {"EndpointConfigArn": config_arn, "CreationTime": now()},
            lambda _: Invalid(
                f'Cannot create already existing endpoint configuration "{config_arn}".'
            ),
        )
        return {"EndpointConfigArn": config_arn, "Tags": tags}

    def describe_endpoint_config(self, request: Document) -> Document:
        """The configuration."""
        name = request["EndpointConfigName"]
        return _found(self._configs, name, "endpoint configuration", arn("endpoint-config", name))

    def delete_endpoint_config(self, request: Document) -> Document:
        """Forgets the configuration."""
        self.describe_endpoint_config(request)
        self._configs.remove(request["EndpointConfigName"])
        return {}

    def list_endpoint_configs(self, request: Document) -> Document:
        """Summaries, newest first."""
        return {
            "EndpointConfigs": _page(
                self._configs, request, ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
            )
        }

    def resolve(self, model: Document) -> Document:
        """The container definition of a model, a package it names filled in."""
        definition = containers(model)[0]
        package_name = definition.get("ModelPackageName")
        if package_name is None:
            return definition
        package = self._registry.describe_package({"ModelPackageName": package_name})
        packaged = package["InferenceSpecification"]["Containers"][0]
        environment = (packaged.get("Environment") or {}) | (definition.get("Environment") or {})
        return packaged | {"Environment": environment}


def containers(model: Document) -> list[Document]:
    """The container definitions of a CreateModel request."""
    return model.get("Containers") or [model["PrimaryContainer"]]


def _found(store: Store, name: str, kind: str, resource_arn: str) -> Document:
    document = store.get(name)
    if document is None:
        raise Invalid(f'Could not find {kind} "{resource_arn}".')
    return document


def _page(store: Store, request: Document, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    wanted = [item for item in store if request.get("NameContains", "") in item[fields[0]]]
    wanted.sort(
        key=lambda item: item["CreationTime"],
        reverse=request.get("SortOrder", "Descending") == "Descending",
    )
    return [
        {field: item[field] for field in fields}
        for item in wanted[: request.get("MaxResults", 100)]
    ]
