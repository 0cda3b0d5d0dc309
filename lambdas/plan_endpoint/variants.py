"""The production variants of the planned config, and the mode that they serve in.

The model goes to the variant `main`; other variants, which somebody set up by hand, stay as they
are with their own models, instances and weights.
"""

from typing import Any, Literal

from dropforge import names
from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.carrying import (
    INSTANCE_TYPE,
    INSTANCES,
    MODE,
    SERVERLESS,
    changed,
    choose,
)
from lambdas.plan_endpoint.observing import Observed

Mode = Literal["serverless", "realtime"]


def main_variant(observed: Observed) -> dict[str, Any]:
    """The live variant that serves the champion, or nothing if there is none.

    Raises:
        EndpointChanged: several, none of which is called `main`.
    """
    if len(observed.variants) < 2:
        return dict(observed.variants[0]) if observed.variants else {}
    for variant in observed.variants:
        if variant["VariantName"] == names.VARIANT:
            return dict(variant)
    called = ", ".join(v["VariantName"] for v in observed.variants)
    raise EndpointChanged(
        f"The endpoint {observed.endpoint_name} splits its traffic among the variants {called}: "
        f"a new model goes to the one called {names.VARIANT}, and there is none. It was left as "
        "it is.",
        next_command=look(observed),
    )


def live_mode(observed: Observed) -> Mode | None:
    """In which mode the endpoint serves, or last served."""
    live = main_variant(observed)
    if not live:
        return None
    return "serverless" if "ServerlessConfig" in live else "realtime"


def mode(observed: Observed) -> Mode:
    """In which mode the endpoint will serve: what was set by hand stays.

    SageMaker refuses to make an instance-based endpoint serverless; the other way it cannot be
    taken back (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html). Neither
    could be rolled back, so an endpoint that serves keeps its mode until a person deletes it.

    Raises:
        EndpointChanged: the project declares another mode than that of the endpoint that serves.
    """
    asked: Mode = "serverless" if observed.spec.endpoint == "serverless" else "realtime"
    live = live_mode(observed)
    if live is None or (changed(observed, MODE) and not observed.served):
        return asked
    if changed(observed, MODE) and live != asked:
        raise EndpointChanged(
            f"The project {observed.spec.name} asks for a {asked} endpoint, but "
            f"{observed.endpoint_name} is {live}, and SageMaker cannot change that so that it "
            "could be taken back. It was left as it is, and answers as before.",
            next_command=f"dropforge endpoint delete {observed.spec.name}, then "
            f"dropforge endpoint deploy {observed.spec.name} (no answers in between)",
        )
    return live


def production_variants(observed: Observed, model_name: str) -> list[dict[str, Any]]:
    """All variants of the planned config, in their order."""
    live = main_variant(observed)
    planned = _serverless if mode(observed) == "serverless" else _realtime
    own = planned(observed, live, model_name)
    if len(observed.variants) < 2:
        return [own]
    return [own if v["VariantName"] == names.VARIANT else dict(v) for v in observed.variants]


def _serverless(observed: Observed, live: dict[str, Any], model_name: str) -> dict[str, Any]:
    size = observed.spec.serverless
    asked = {"MemorySizeInMB": size.memory_mb, "MaxConcurrency": size.max_concurrency}
    config: dict[str, Any] = live.get("ServerlessConfig") or asked
    if changed(observed, SERVERLESS):
        config = config | asked
        if "ProvisionedConcurrency" in config:
            provisioned = min(config["ProvisionedConcurrency"], size.max_concurrency)
            config["ProvisionedConcurrency"] = provisioned
    kept = live if "ServerlessConfig" in live else {}
    return kept | {
        "VariantName": names.VARIANT,
        "ModelName": model_name,
        "InitialVariantWeight": live.get("InitialVariantWeight", 1.0),
        "ServerlessConfig": config,
    }


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


def look(observed: Observed) -> str:
    """The command that shows the endpoint."""
    return f"aws sagemaker describe-endpoint --endpoint-name {observed.endpoint_name}"
