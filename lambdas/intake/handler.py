"""S3 notifications from the drop queue; messages that could not be handled go back to it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.intake.desk import Desk
from lambdas.intake.notification import arrivals
from lambdas.settings import IntakeSettings, load

logger = Logger()


class LoggingProcessor(BatchProcessor):
    """Powertools keeps the reason of a failed message to itself; the log must have it."""

    def failure_handler(self, record: Any, exception: Any) -> Any:
        """Log, then return the message to the queue."""
        logger.error("message returns to the queue", exc_info=exception)
        return super().failure_handler(record, exception)


# A batch of which nothing could be handled is answered like any other: message by message.
processor = LoggingProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def take_message(record: SQSRecord) -> None:
    """Take every object that one message speaks of; any error returns the message to the queue."""
    desk = Desk(load(IntakeSettings))
    for arrival in arrivals(record.body):
        outcome = desk.take(arrival)
        logger.info("took", key=arrival.key, version=arrival.version, outcome=outcome)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer which messages failed (`ReportBatchItemFailures`)."""
    return dict(
        process_partial_response(
            event=event, record_handler=take_message, processor=processor, context=context
        )
    )
