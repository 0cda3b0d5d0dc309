"""A person decides by command: refused, approved, and who is the champion in the registry then."""

import json
from typing import Any

from dropforge.layout import S3Uri
from tests.flow.account import Account, wait_for
from tests.flow.conftest import Push
from tests.flow.customers import customers


def about(account: Account, arn: str) -> dict[str, str]:
    """What the registry's metadata say of a package."""
    answer: dict[str, Any] = account.client("sagemaker").describe_model_package(
        ModelPackageName=arn
    )
    said: dict[str, str] = answer["CustomerMetadataProperties"]
    return said


def test_models_are_refused_and_approved_by_command(account: Account, push: Push) -> None:
    push(
        "decided", approval="manual", promotion={"champion": {"margin": -1.0}, "min_positives": 30}
    )
    account.drop_and_wait("decided/initial.csv", customers(800, seed=60))
    account.drop_and_wait("decided/20201001.csv", customers(600, seed=61))
    first, second = account.ledger.models("decided")
    assert (first.awaiting, second.awaiting) == (True, True)

    account.dropforge("reject", "decided", "1", "--note", "not this one")
    wait_for(lambda: not _awaiting(account, "1"), 60, "the refusal to be noted")
    said = account.dropforge("model", "list", "decided").stdout
    assert "refused by a person" in said and "awaits approval" in said
    assert "Note in the registry: not this one" in account.mail("REFUSED v1").body

    account.dropforge("approve", "decided", "2", "--wait")
    champion = account.ledger.champion("decided")
    assert champion is not None and champion.version == "2"
    assert about(account, second.model_package_arn)["alias"] == "champion"
    assert "alias" not in about(account, first.model_package_arn)
    shown = json.loads(account.dropforge("model", "show", "decided", "2", "--json").stdout)
    assert shown["standing"] == "in production"
    assert about(account, second.model_package_arn)["model_sha256"]

    account.drop_and_wait("decided/20201101.csv", customers(600, seed=62))
    account.dropforge("approve", "decided", "v3", "--wait")
    third = account.ledger.model("decided", "3")
    assert third is not None
    assert about(account, third.model_package_arn)["alias"] == "champion"
    assert "alias" not in about(account, second.model_package_arn)

    # From now on there is a reference model beside the champion: the first that was promoted.
    account.drop_and_wait("decided/20201201.csv", customers(600, seed=63))
    fourth = account.ledger.model("decided", "4")
    assert fourth is not None and fourth.expected_champion == "3"
    place = S3Uri(account.outputs["LakeBucket"], f"runs/decided/{fourth.run}/evaluation.json")
    body = account.client("s3").get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
    assert json.loads(body)["reference"]["version"] == "2"


def _awaiting(account: Account, version: str) -> bool:
    model = account.ledger.model("decided", version)
    return model is not None and model.awaiting
