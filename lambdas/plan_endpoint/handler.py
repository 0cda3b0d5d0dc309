"""Look at the endpoint and plan: none, create, update, wait, delete or unchanged."""

from lambdas.entry import takes
from lambdas.plan_endpoint.candidates import beside_the_champion
from lambdas.plan_endpoint.observing import note_existing, observe
from lambdas.plan_endpoint.planning import plan
from lambdas.plan_endpoint.request import PlanAnswer, PlanRequest
from lambdas.settings import EndpointSettings, load


@takes(PlanRequest)
def handler(request: PlanRequest) -> PlanAnswer:
    """Answer the plan, whose parts are whole requests for the SageMaker API."""
    settings = load(EndpointSettings)
    if request.shadow is not None:
        request = beside_the_champion(request, settings.ledger.champion(request.project))
    return note_existing(plan(observe(settings, request), request))
