"""What an endpoint configuration may say beside the API's own model: serverless and shadows.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html
"""

from collections.abc import Callable

from local.sagemaker.capture import enabled
from local.sagemaker.errors import Invalid
from local.sagemaker.store import Document

_MEMORY_STEP = 1024


def check_config(request: Document, describe_model: Callable[[Document], Document]) -> None:
    """Raises Invalid unless the configuration's models exist and its parts go together."""
    production = request["ProductionVariants"]
    shadows = request.get("ShadowProductionVariants") or []
    names = [variant["VariantName"] for variant in (*production, *shadows)]
    if len(set(names)) < len(names):
        raise Invalid(f"Variant names must be unique within an endpoint configuration: {names}.")
    if shadows and (len(production), len(shadows)) != (1, 1):
        raise Invalid(
            "An endpoint configuration with ShadowProductionVariants must have exactly one variant "
            "in ProductionVariants and one in ShadowProductionVariants."
        )
    for variant in (*production, *shadows):
        model = describe_model(variant) if "ModelName" in variant else {}
        if "ServerlessConfig" in variant:
            _check_serverless(variant, request, model)
    capture = request.get("DataCaptureConfig")
    if capture and not capture["DestinationS3Uri"].startswith("s3://"):
        raise Invalid("DataCaptureConfig.DestinationS3Uri must be an S3 URI")


def _check_serverless(variant: Document, request: Document, model: Document) -> None:
    """Serverless Inference has no capture, several variants, VPC, isolation, or shadows."""
    config = variant["ServerlessConfig"]
    if config["MemorySizeInMB"] % _MEMORY_STEP:
        raise Invalid("MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120, 6144.")
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise Invalid("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")
    refused = {
        "instance types and counts": "InstanceType" in variant or "InitialInstanceCount" in variant,
        "multiple production variants": len(request["ProductionVariants"]) > 1,
        "shadow variants": bool(request.get("ShadowProductionVariants")),
        "data capture": enabled(request.get("DataCaptureConfig")),
        "VPC configuration": bool(model.get("VpcConfig") or request.get("VpcConfig")),
        "network isolation": bool(model.get("EnableNetworkIsolation")),
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        "ModelDataSource": any(
            container.get("ModelDataSource")
            for container in model.get("Containers") or [model.get("PrimaryContainer") or {}]
        ),
    }
    if said := [what for what, there in refused.items() if there]:
        raise Invalid(f"Serverless Inference does not support {', '.join(said)}.")
