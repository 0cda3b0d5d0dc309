"""The servers behind one endpoint under one configuration: up together, down together."""

import shutil
import threading
from dataclasses import dataclass, field
from random import choices

from local.sagemaker.capture import Capture
from local.sagemaker.errors import InvalidInvocation, Throttled
from local.sagemaker.serving import STOP_GRACE, Server
from local.sagemaker.store import Document


@dataclass
class Member:
    """A variant's server, its configuration, its capture if data is captured, and its load.

    `weight` and `count` are the desired ones: only the weight does something here. `in_flight`
    belongs to the fleet's lock.
    """

    variant: Document
    server: Server
    capture: Capture | None
    weight: float = 1.0
    count: int | None = None
    in_flight: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        """The variant's name."""
        return str(self.variant["VariantName"])

    @property
    def serverless(self) -> Document | None:
        """MemorySizeInMB and MaxConcurrency of a serverless variant."""
        config: Document | None = self.variant.get("ServerlessConfig")
        return config


class Fleet:
    """The members of one deployment: production variants, and at most one shadow."""

    def __init__(self, config: Document, capture: Document | None) -> None:
        self.config = config
        self.capture = capture
        self.members: list[Member] = []
        self.shadows: list[Member] = []
        self._idle = threading.Condition()

    @property
    def config_name(self) -> str:
        """The name of the endpoint configuration."""
        return str(self.config["EndpointConfigName"])

    def enter(self, variant: str | None) -> Member:
        """The variant asked for, or one by weight, with one more request in flight.

        Raises InvalidInvocation for a name there is not, Throttled above MaxConcurrency:
        https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        """
        with self._idle:
            member = self._pick(variant)
            limit = (member.serverless or {}).get("MaxConcurrency")
            if limit is not None and member.in_flight >= limit:
                raise Throttled("Rate exceeded")
            member.in_flight += 1
            return member

    def enter_shadow(self, share: float) -> Member | None:
        """The shadow variant, with one more request in flight, for requests in its sample.

        `share` is drawn from [0, 1). The sample is the shadow's weight over the production
        variant's: https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html
        """
        with self._idle:
            for shadow in self.shadows:
                if share * self.members[0].weight < shadow.weight:
                    shadow.in_flight += 1
                    return shadow
            return None

    def leave(self, member: Member) -> None:
        """One request less in flight."""
        with self._idle:
            member.in_flight -= 1
            self._idle.notify_all()

    def drain(self, seconds: float) -> bool:
        """Waits until no request is in flight, at most so long; whether none is."""
        with self._idle:
            return self._idle.wait_for(
                lambda: not any(member.in_flight for member in self._all()), seconds
            )

    def describe(self) -> list[Document]:
        """ProductionVariants of DescribeEndpoint."""
        return [_summary(member) for member in self.members]

    def describe_shadows(self) -> list[Document] | None:
        """ShadowProductionVariants of DescribeEndpoint; None without any."""
        return [_summary(member) for member in self.shadows] or None

    def stop(self, grace: float = STOP_GRACE) -> None:
        """Stops every server, writes captured data, removes the folders."""
        for member in self._all():
            member.server.stop(grace)
            if member.capture:
                member.capture.close()
            shutil.rmtree(member.server.container.folder, ignore_errors=True)

    def _all(self) -> list[Member]:
        return [*self.members, *self.shadows]

    def _pick(self, variant: str | None) -> Member:
        if variant is not None:
            for member in self.members:
                if member.name == variant:
                    return member
            raise InvalidInvocation(f"Variant {variant} not found in endpoint")
        weights = [member.weight for member in self.members]
        return choices(self.members, weights)[0] if sum(weights) else self.members[0]


def _summary(member: Member) -> Document:
    image = member.server.image
    summary: Document = {
        "VariantName": member.name,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image}],
        "CurrentWeight": member.weight,
        "DesiredWeight": member.weight,
    }
    if member.serverless is not None:
        return summary | {
            "CurrentInstanceCount": 0,
            "CurrentServerlessConfig": member.serverless,
            "DesiredServerlessConfig": member.serverless,
        }
    return summary | {"CurrentInstanceCount": member.count, "DesiredInstanceCount": member.count}
