"""The champion's alias in the registry: a mirror, for people who look there.

The ledger's champion item is the one place that decides. An alias that could not be moved fails
nothing: it is logged, and the deployment's mail says so.
"""

from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dropforge.aws.clients import client, error_code
from dropforge.ledger import Champion
from lambdas.settings import LakeSettings

ALIAS = "alias"
CHAMPION = "champion"

logger = Logger(child=True)


def mirror(settings: LakeSettings, project: str, champion: Champion) -> str | None:
    """Give the champion's package its alias and take it from its predecessor's.

    Answers what SageMaker said against it, if it did. Only the metadata are changed: they are
    merged, never replaced
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html).
    """
    previous = settings.ledger.model(project, champion.previous) if champion.previous else None
    refused = []
    if previous is not None:
        refused.append(
            _update(previous.model_package_arn, CustomerMetadataPropertiesToRemove=[ALIAS])
        )
    refused.append(
        _update(champion.model_package_arn, CustomerMetadataProperties={ALIAS: CHAMPION})
    )
    return next((problem for problem in refused if problem), None)


def _update(package: str, **changes: Any) -> str | None:
    try:
        client("sagemaker").update_model_package(ModelPackageArn=package, **changes)
    except (ClientError, BotoCoreError) as error:
        problem = error_code(error) if isinstance(error, ClientError) else str(error)
        logger.warning("the alias was not moved", package=package, problem=problem)
        return problem
    return None
