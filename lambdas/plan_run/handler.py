"""After Prepare: once more, train, score, or nothing."""

from lambdas.entry import takes
from lambdas.plan_run.planning import PlanAnswer, PlanRequest, plan, refuse_unscorable
from lambdas.plan_run.state import read_state
from lambdas.settings import LakeSettings, load


@takes(PlanRequest)
def handler(request: PlanRequest) -> PlanAnswer:
    """Answer {again, train, score, snapshot_uri, scoring_uri, instance types}."""
    settings = load(LakeSettings)
    state = read_state(settings, request)
    answer = plan(request, state)
    if not answer.again and not answer.score and not answer.train:
        refuse_unscorable(settings.ledger, request.project, request.run, state.latest.to_score)
    return answer
