"""How a fleet comes up: a folder and a server a variant, all healthy or none."""

import shutil
import uuid
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.home import safe_name
from local.sagemaker.capture import Capture, enabled
from local.sagemaker.container import reap
from local.sagemaker.errors import Invalid
from local.sagemaker.fleet import Fleet, Member
from local.sagemaker.models import Models
from local.sagemaker.serving import NotHealthy, Server
from local.sagemaker.store import Document
from local.sagemaker.transfers import TransferFailed


class FleetFailed(Exception):
    """The servers did not come up; the message is a FailureReason."""


def launch(
    endpoint: str, fleet: Fleet, models: Models, folder: Path, retained: dict[str, Document]
) -> None:
    """Starts a server a variant and waits until all are healthy. Raises FleetFailed.

    `retained`: DesiredWeight and DesiredInstanceCount by variant that outrank the configuration's.
    """
    try:
        for members, key in (
            (fleet.members, "ProductionVariants"),
            (fleet.shadows, "ShadowProductionVariants"),
        ):
            for variant in fleet.config.get(key) or []:
                members.append(_member(endpoint, variant, models, folder, fleet.capture))
                _settle(members[-1], retained.get(variant["VariantName"]) or {})
                members[-1].server.download()
                members[-1].server.start()
    except (TransferFailed, NotHealthy, Invalid, ClientError, BotoCoreError, OSError) as error:
        fleet.stop()
        raise FleetFailed(_reason(error, fleet.config)) from error


def clear(folder: Path) -> None:
    """Removes what an earlier process left in an endpoint's folder."""
    if folder.exists():
        for leftover in folder.iterdir():
            reap(leftover)
        shutil.rmtree(folder)


def folder_of(endpoints: Path, name: str) -> Path:
    """The folder of an endpoint."""
    return endpoints / safe_name(name)


def _member(
    endpoint: str, variant: Document, models: Models, folder: Path, capture: Document | None
) -> Member:
    model = models.describe_model(variant)
    own = folder / f"{variant['VariantName']}-{uuid.uuid4().hex[:17]}"
    own.mkdir(parents=True)
    server = Server(endpoint, variant, model, models.resolve(model), own)
    writer = None
    if capture and enabled(capture):
        writer = Capture(endpoint, variant["VariantName"], capture, server.role_arn)
    return Member(variant, server, writer)


def _settle(member: Member, retained: Document) -> None:
    """The weight and the count that the variant starts with."""
    variant = member.variant
    declared = {
        "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
        "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
    }
    desired = declared | retained
    member.weight = float(desired["DesiredWeight"])
    if member.serverless is None:
        member.count = int(desired["DesiredInstanceCount"])


def _reason(error: Exception, config: Document) -> str:
    if isinstance(error, NotHealthy):
        return str(error)
    variant = config["ProductionVariants"][0]["VariantName"]
    return (
        f"Failed to download model data for production variant {variant}: {error} Please "
        "ensure that there is an object located at the URL and that the role passed to "
        "CreateModel has permissions to download the model."
    )
