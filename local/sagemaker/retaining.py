"""What an update keeps of an endpoint's variants.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

from local.sagemaker.rollout import Size
from local.sagemaker.store import Document


def kept(request: Document) -> set[str]:
    """The variant properties that an update keeps."""
    if not request.get("RetainAllVariantProperties"):
        return set()
    excluded = request.get("ExcludeRetainedVariantProperties") or []
    return {"DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"} - {
        item["VariantPropertyType"] for item in excluded
    }


def retained(request: Document, endpoint: Document) -> dict[str, Document]:
    """What of `desired` an update keeps."""
    keys = kept(request)
    return {
        name: {key: value for key, value in wanted.items() if key in keys}
        for name, wanted in desired(endpoint).items()
    }


def desired(endpoint: Document) -> dict[str, Document]:
    """DesiredWeight and DesiredInstanceCount of the variants as they are now."""
    return {
        variant["VariantName"]: {
            key: variant[key]
            for key in ("DesiredWeight", "DesiredInstanceCount")
            if variant.get(key) is not None
        }
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        for variant in endpoint.get(kind) or []
    }


def size(config: Document, outranking: dict[str, Document]) -> Size:
    """The variants of a configuration; counts in `outranking` come before its own."""
    return Size(
        {
            variant["VariantName"]: None
            if "ServerlessConfig" in variant
            else int(
                (outranking.get(variant["VariantName"]) or {}).get("DesiredInstanceCount")
                or variant.get("InitialInstanceCount", 1)
            )
            for variant in config["ProductionVariants"]
        }
    )
