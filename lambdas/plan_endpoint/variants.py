"""The production variants of the planned config.

The model goes to the variant `main`; other variants, which somebody set up by hand, stay as they
are with their own models, instances and weights.
"""

from typing import Any

from dropforge import names
from lambdas.plan_endpoint.carrying import INSTANCE_TYPE, INSTANCES, changed, choose
from lambdas.plan_endpoint.live import main_variant
from lambdas.plan_endpoint.modes import mode
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.serverless import serverless_variant


def production_variants(observed: Observed, model_name: str) -> list[dict[str, Any]]:
    """All variants of the planned config, in their order."""
    live = main_variant(observed)
    planned = serverless_variant if mode(observed) == "serverless" else _realtime
    own = planned(observed, live, model_name)
    if len(observed.variants) < 2:
        return [own]
    return [own if v["VariantName"] == names.VARIANT else dict(v) for v in observed.variants]


def _realtime(observed: Observed, live: dict[str, Any], model_name: str) -> dict[str, Any]:
    kept = {} if "ServerlessConfig" in live else live
    resources = observed.spec.resources
    planned = {
        "InitialVariantWeight": 1.0,
        **kept,
        "VariantName": names.VARIANT,
        "ModelName": model_name,
        "InitialInstanceCount": choose(
            observed, INSTANCES, resources.endpoint_instances, kept.get("InitialInstanceCount")
        ),
    }
    if changed(observed, INSTANCE_TYPE):
        planned.pop("InstancePools", None)
    if "InstancePools" not in planned:
        planned["InstanceType"] = choose(
            observed, INSTANCE_TYPE, resources.endpoint, kept.get("InstanceType")
        )
    return planned
