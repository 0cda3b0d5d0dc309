"""The variant that serves the champion, and the mode that it serves in."""

from typing import Any, Literal

from dropforge import names
from dropforge.errors import EndpointChanged
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


def look(observed: Observed) -> str:
    """The command that shows the endpoint."""
    return f"aws sagemaker describe-endpoint --endpoint-name {observed.endpoint_name}"
