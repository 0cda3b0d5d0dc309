"""The serverless form of the variant `main`."""

from typing import Any

from dropforge import names
from lambdas.plan_endpoint.carrying import SERVERLESS, changed
from lambdas.plan_endpoint.observing import Observed

PROVISIONED = "ProvisionedConcurrency"


def serverless_variant(observed: Observed, live: dict[str, Any], model_name: str) -> dict[str, Any]:
    """The variant as the project sizes it, or as somebody sized the live one by hand."""
    kept = live if "ServerlessConfig" in live else {}
    return kept | {
        "VariantName": names.VARIANT,
        "ModelName": model_name,
        "InitialVariantWeight": live.get("InitialVariantWeight", 1.0),
        "ServerlessConfig": _size(observed, live.get("ServerlessConfig")),
    }


def _size(observed: Observed, live: dict[str, Any] | None) -> dict[str, Any]:
    """Provisioned concurrency never exceeds the maximum
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html).
    """
    size = observed.spec.serverless
    asked = {"MemorySizeInMB": size.memory_mb, "MaxConcurrency": size.max_concurrency}
    if size.provisioned_concurrency is not None:
        asked[PROVISIONED] = size.provisioned_concurrency
    if live is None:
        return asked
    if not changed(observed, SERVERLESS):
        return live
    kept = dict(live)
    if PROVISIONED in kept and PROVISIONED not in asked:
        if _was_declared(observed):
            del kept[PROVISIONED]
        else:
            kept[PROVISIONED] = min(kept[PROVISIONED], size.max_concurrency)
    return kept | asked


def _was_declared(observed: Observed) -> bool:
    """Whether the live config's provisioned concurrency was the project's: it is in its tag."""
    return observed.config_tags.get(SERVERLESS, "").count("/") > 1
