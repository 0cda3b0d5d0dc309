"""The servers behind one endpoint under one configuration: up together, down together."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from random import choices

from botocore.exceptions import BotoCoreError, ClientError

from local.home import safe_name
from local.sagemaker.capture import Capture
from local.sagemaker.container import reap
from local.sagemaker.errors import Invalid
from local.sagemaker.models import Models
from local.sagemaker.serving import NotHealthy, Server
from local.sagemaker.store import Document
from local.sagemaker.transfers import TransferFailed


class FleetFailed(Exception):
    """The servers did not come up; the message is a FailureReason."""


@dataclass
class Member:
    """A variant's server, its configuration and its capture, if data is captured."""

    variant: Document
    server: Server
    capture: Capture | None


class Fleet:
    """The members of one deployment."""

    def __init__(self, members: list[Member], config_name: str, capture: Document | None) -> None:
        self.members = members
        self.config_name = config_name
        self.capture = capture

    def pick(self, variant: str | None) -> Member:
        """The member asked for, or one by weight. Raises Invalid for a name there is not."""
        if variant is not None:
            for member in self.members:
                if member.variant["VariantName"] == variant:
                    return member
            raise Invalid(f"Variant {variant} not found in endpoint")
        if len(self.members) == 1:
            return self.members[0]
        weights = [member.variant.get("InitialVariantWeight", 1.0) for member in self.members]
        return choices(self.members, weights)[0]

    def describe(self) -> list[Document]:
        """ProductionVariants of DescribeEndpoint."""
        return [_summary(member) for member in self.members]

    def stop(self) -> None:
        """Stops every server, writes captured data, removes the folders."""
        for member in self.members:
            member.server.stop()
            if member.capture:
                member.capture.close()
            shutil.rmtree(member.server.container.folder, ignore_errors=True)


def launch(
    endpoint: str, config: Document, models: Models, folder: Path, capture: Document | None
) -> Fleet:
    """Starts a server a variant and waits until all are healthy. Raises FleetFailed."""
    members: list[Member] = []
    fleet = Fleet(members, config["EndpointConfigName"], capture)
    try:
        for variant in config["ProductionVariants"]:
            members.append(_member(endpoint, variant, models, folder, capture))
            members[-1].server.download()
            members[-1].server.start()
    except (TransferFailed, NotHealthy, Invalid, ClientError, BotoCoreError, OSError) as error:
        fleet.stop()
        raise FleetFailed(_reason(error, config)) from error
    return fleet


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
    if capture and capture.get("EnableCapture"):
        writer = Capture(endpoint, variant["VariantName"], capture, server.role_arn)
    return Member(variant, server, writer)


def _reason(error: Exception, config: Document) -> str:
    if isinstance(error, NotHealthy):
        return str(error)
    variant = config["ProductionVariants"][0]["VariantName"]
    return (
        f"Failed to download model data for production variant {variant}: {error} Please "
        "ensure that there is an object located at the URL and that the role passed to "
        "CreateModel has permissions to download the model."
    )


def _summary(member: Member) -> Document:
    variant = member.variant
    weight = variant.get("InitialVariantWeight", 1.0)
    count = variant.get("InitialInstanceCount", 1)
    return {
        "VariantName": variant["VariantName"],
        "DeployedImages": [
            {"SpecifiedImage": member.server.image, "ResolvedImage": member.server.image}
        ],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
