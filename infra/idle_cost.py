"""What a stage costs when nobody uses it: `python -m infra.idle_cost dev`, or `make cost`.

Counts, in the synthesized template, what AWS bills by the month whether it is used or not. What is
billed by use (requests, jobs, stored bytes) is named, not guessed. List prices of us-east-1 in USD,
before any free tier; the page of each is given.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from infra.app import DEFAULT_STAGE, synthesize


class Price(NamedTuple):
    """USD a month for one resource, as its page says."""

    usd: float
    what: str
    page: str


MONTHLY: Mapping[str, Price] = {
    "AWS::KMS::Key": Price(1.00, "customer managed keys", "https://aws.amazon.com/kms/pricing/"),
    "AWS::CloudWatch::Alarm": Price(0.10, "alarms", "https://aws.amazon.com/cloudwatch/pricing/"),
}
"""Resource types that are billed by existing."""

BILLED_BY_USE = (
    "A key's first two yearly rotations add the price of a key each.",
    "S3, DynamoDB and logs by stored bytes and requests; the job image in ECR by its size;",
    "SQS, Lambda, Step Functions, EventBridge, SNS and SageMaker jobs by use: nothing when idle.",
    "A project with `endpoint: realtime` keeps an instance running, billed by the hour:",
    "see https://aws.amazon.com/sagemaker/ai/pricing/. `endpoint: none` is the default.",
)

ALWAYS_BILLED_ELSEWHERE = frozenset(
    {
        "AWS::EC2::NatGateway",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::Instance",
        "AWS::RDS::DBInstance",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::NotebookInstance",
        "AWS::SecretsManager::Secret",
    }
)
"""Types that would need a price here before they may enter the template (a test looks)."""


def idle_cost(template: Mapping[str, Any]) -> list[tuple[int, Price]]:
    """How many of each monthly billed type a template holds, with its price."""
    types = [resource["Type"] for resource in template["Resources"].values()]
    return [(types.count(kind), price) for kind, price in MONTHLY.items() if kind in types]


def describe(template: Mapping[str, Any], stage: str) -> str:
    """The table that `make cost` prints."""
    counted = idle_cost(template)
    total = sum(count * price.usd for count, price in counted)
    lines = [f"dropforge-{stage} idle, USD a month (list prices, us-east-1, no free tier):"]
    lines += [
        f"  {count} {price.what:<24} {count * price.usd:6.2f}  {price.page}"
        for count, price in counted
    ]
    return "\n".join([*lines, f"  {'together':<26} {total:6.2f}", *BILLED_BY_USE])


def main(arguments: list[str]) -> None:
    """Synthesize a stage and print its table."""
    stage = arguments[0] if arguments else DEFAULT_STAGE
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder), stage)
        template = json.loads((Path(folder) / f"dropforge-{stage}.template.json").read_text())
    print(describe(template, stage))


if __name__ == "__main__":
    main(sys.argv[1:])
