"""Move the champion, write down what the deployment changed, clear away what is left over."""

from lambdas.entry import takes
from lambdas.move_champion.cleanup import clear_away
from lambdas.move_champion.moving import MoveAnswer, MoveRequest, move
from lambdas.settings import LakeSettings, load


@takes(MoveRequest)
def handler(request: MoveRequest) -> MoveAnswer:
    """Answer {champion, previous, removed}."""
    settings = load(LakeSettings)
    champion = move(settings, request)
    removed = [] if request.action == "none" else clear_away(settings, request.project, champion)
    return MoveAnswer(champion=champion.version, previous=champion.previous, removed=removed)
