"""Step Functions says that a pipeline failed, timed out or was aborted
(https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html).
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.notify.telling import tell_failure
from lambdas.notify_failure.event import request_of
from lambdas.settings import NotifySettings, load

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer {sent}: False if the run mailed its failure itself, or is none of ours."""
    request = request_of(EventBridgeEvent(event))
    if request is None:
        logger.info("not a failed run", detail=EventBridgeEvent(event).detail.get("status"))
        return {"sent": False}
    return {"sent": tell_failure(load(NotifySettings), request)}
