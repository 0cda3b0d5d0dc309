"""The mode that the endpoint will serve in, and what a change of it costs.

SageMaker makes a serverless endpoint instance-based by an update, and cannot take that back. It
refuses to make an instance-based one serverless
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html, feature exclusions): the
name has to be given up first, and nobody answers until the endpoint is there again.
"""

from dropforge.errors import EndpointChanged
from lambdas.plan_endpoint.carrying import MODE, changed
from lambdas.plan_endpoint.live import Mode, live_mode
from lambdas.plan_endpoint.observing import Observed


def mode(observed: Observed) -> Mode:
    """In which mode the endpoint will serve: what was set by hand stays.

    Raises:
        EndpointChanged: the project asks for a change that interrupts, and nobody allowed it; or
            for a serverless endpoint of several variants.
    """
    asked: Mode = "serverless" if observed.spec.endpoint == "serverless" else "realtime"
    live = live_mode(observed)
    if live is None:
        return asked
    if not changed(observed, MODE):
        return live
    if observed.served and live == "realtime" and asked == "serverless":
        _check_replaceable(observed)
    return asked


def switches(observed: Observed) -> bool:
    """Whether an endpoint that serves comes to serve in another mode."""
    return observed.served and live_mode(observed) not in (None, mode(observed))


def replaces(observed: Observed) -> bool:
    """Whether only another endpoint of the same name can serve what is asked for."""
    return switches(observed) and mode(observed) == "serverless"


def mode_notes(observed: Observed) -> list[str]:
    """What a person should know of the mode: one set by hand, a change under way."""
    now, asked, name = mode(observed), observed.spec.endpoint, observed.endpoint_name
    if replaces(observed):
        return [
            f"The endpoint {name} changes from real-time to serverless by being deleted and made "
            "again: nobody answers in between."
        ]
    if switches(observed):
        return [
            f"The endpoint {name} changes from serverless to real-time by an update. No update "
            "leads back: if its test fails, it is deleted and made again as it was, and nobody "
            "answers in between."
        ]
    if now != asked:
        return [f"The endpoint is {now}: set by hand, and kept; the project says {asked}."]
    return []


def _check_replaceable(observed: Observed) -> None:
    name, project = observed.endpoint_name, observed.spec.name
    if len(observed.variants) > 1:
        called = ", ".join(v["VariantName"] for v in observed.variants)
        raise EndpointChanged(
            f"The project {project} asks for a serverless endpoint, which has one variant, but "
            f"{name} has several: {called}. It was left as it is, and answers as before.",
            next_command=f"aws sagemaker describe-endpoint --endpoint-name {name}",
        )
    if not observed.replace:
        raise EndpointChanged(
            f"The project {project} asks for a serverless endpoint, but {name} is real-time, and "
            "SageMaker does not update instances to serverless: the endpoint must be deleted and "
            "made again, and nobody answers in between, for some minutes on AWS. It was left as it "
            "is, and answers as before.",
            next_command=f"dropforge endpoint deploy {project} --replace",
        )
