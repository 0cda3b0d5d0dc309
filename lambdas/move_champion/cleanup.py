"""Old endpoint configs and models are deleted: those of neither the champion nor its predecessor,
that are named as we name them, and that no endpoint of the account serves or is about to serve.
"""

import re
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from dropforge import names
from dropforge.aws.clients import client, error_code
from dropforge.ledger import Champion
from lambdas.sagemaker import find
from lambdas.settings import LakeSettings

logger = Logger(child=True)


def clear_away(settings: LakeSettings, project: str, champion: Champion) -> list[str]:
    """Delete what is no longer used; answers its names.

    The champion has moved by now: what cannot be deleted costs nothing and is tried again at the
    next promotion, so a refusal is logged and does not fail the deployment.
    """
    base = names.endpoint_name(project, settings.stage)
    removed: list[str] = []
    try:
        for kind, name in _unused(base, champion):
            _delete(kind, name)
            removed.append(name)
    except ClientError as error:
        logger.warning("left old configs and models", project=project, code=error_code(error))
    return removed


def _unused(base: str, champion: Champion) -> Iterator[tuple[str, str]]:
    """What may go: (`config` or `model`, name), configs before the models they name."""
    configs = _outdated(_names("list_endpoint_configs", "EndpointConfigName", base), base, champion)
    models = _outdated(_names("list_models", "ModelName", base), base, champion)
    if not configs and not models:
        return
    serving = set(_served_configs())
    yield from (("config", name) for name in configs if name not in serving)
    needed = {model for name in serving for model in _models_of(name)}
    yield from (("model", name) for name in models if name not in needed)


def _outdated(found: list[str], base: str, champion: Champion) -> list[str]:
    """Names of ours (`<endpoint>-v<version>-<8 hex>`) of versions that nobody returns to.

    The whole name is matched: `credit-dev` must not touch what belongs to `credit-dev-dev`.
    """
    ours = re.compile(re.escape(base) + r"-v(\d+)-[0-9a-f]{8}")
    kept = {champion.version, champion.previous}
    matches = [(name, ours.fullmatch(name)) for name in found]
    return [name for name, match in matches if match and match.group(1) not in kept]


def _names(operation: str, key: str, base: str) -> list[str]:
    pages = client("sagemaker").get_paginator(operation).paginate(NameContains=f"{base}-v")
    return [item[key] for page in pages for item in _items(page)]


def _served_configs() -> Iterator[str]:
    """The config of every endpoint, and the one it is being updated to."""
    for page in client("sagemaker").get_paginator("list_endpoints").paginate():
        for summary in page["Endpoints"]:
            endpoint = find("describe_endpoint", EndpointName=summary["EndpointName"])
            for described in (endpoint or {}, (endpoint or {}).get("PendingDeploymentSummary", {})):
                if name := described.get("EndpointConfigName"):
                    yield name


def _models_of(config: str) -> list[str]:
    described = find("describe_endpoint_config", EndpointConfigName=config) or {}
    variants = [
        *described.get("ProductionVariants", []),
        *described.get("ShadowProductionVariants", []),
    ]
    return [variant["ModelName"] for variant in variants if "ModelName" in variant]


def _items(page: dict[str, Any]) -> list[dict[str, Any]]:
    return page.get("EndpointConfigs") or page.get("Models") or []


def _delete(kind: str, name: str) -> None:
    if kind == "config":
        client("sagemaker").delete_endpoint_config(EndpointConfigName=name)
    else:
        client("sagemaker").delete_model(ModelName=name)
