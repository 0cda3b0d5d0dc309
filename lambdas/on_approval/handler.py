"""SageMaker says that a model package changed
(https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html).

Several events may come for one change, and for packages that are not ours: only a package that the
ledger holds as awaiting a decision is deployed or refused, once.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.on_approval.approving import decided
from lambdas.settings import ApprovalSettings, load

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer {outcome, execution}."""
    detail = EventBridgeEvent(event).detail
    status = detail.get("ModelApprovalStatus")
    if status not in ("Approved", "Rejected"):
        return {"outcome": "no decision", "execution": None}
    answer = decided(load(ApprovalSettings), detail["ModelPackageArn"], status)
    logger.info("decision", package=detail["ModelPackageArn"], outcome=answer.outcome)
    return answer.model_dump()
