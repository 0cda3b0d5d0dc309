"""Ask the endpoint the golden rows in every content type it speaks, and things it must refuse."""

from lambdas.entry import takes
from lambdas.smoke_test.checking import SmokeAnswer, SmokeRequest, check_endpoint
from lambdas.smoke_test.golden import read_golden


@takes(SmokeRequest)
def handler(request: SmokeRequest) -> SmokeAnswer:
    """Answer {passed, checks}, or raise SmokeTestFailed."""
    return check_endpoint(request, read_golden(request.artifact_uri))
