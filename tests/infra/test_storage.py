"""Where data lies: encrypted, private, versioned, and gone or kept as the stage says."""

import pytest

from tests.infra.template import Template, listed

DATA = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::ECR::Repository")


def test_buckets_are_encrypted_with_our_key_and_versioned(dev: Template) -> None:
    buckets = dev.of_type("AWS::S3::Bucket")
    assert len(buckets) == 2
    key = dev.one("AWS::KMS::Key", "StorageKey")
    assert key["Properties"]["EnableKeyRotation"] is True
    (key_id,) = [id for id in dev.resources if id.startswith("StorageKey")]
    for bucket in buckets.values():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": dev.arn(key_id),
        }
        assert rule["BucketKeyEnabled"] is True
        assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "BucketName" not in bucket["Properties"]


def test_no_bucket_can_become_public(dev: Template) -> None:
    for bucket in dev.of_type("AWS::S3::Bucket").values():
        assert bucket["Properties"]["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        assert bucket["Properties"]["OwnershipControls"]["Rules"] == [
            {"ObjectOwnership": "BucketOwnerEnforced"}
        ]


def test_buckets_are_spoken_to_over_tls_only(dev: Template) -> None:
    policies = dev.of_type("AWS::S3::BucketPolicy").values()
    assert len(policies) == 2
    for policy in policies:
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        assert [s for s in statements if s["Effect"] == "Allow"] == []
        (plain,) = [s for s in statements if "Bool" in s["Condition"]]
        assert (plain["Effect"], plain["Action"]) == ("Deny", "s3:*")
        assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert plain["Principal"] == {"AWS": "*"}
        assert len(listed(plain["Resource"])) == 2


def test_old_versions_and_half_uploads_go_but_nothing_current(dev: Template) -> None:
    for bucket in dev.of_type("AWS::S3::Bucket").values():
        (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert rule["Status"] == "Enabled"
        assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] > 0
        assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] > 0
        assert not {"ExpirationInDays", "ExpirationDate"} & set(rule)


def test_the_ledger(dev: Template) -> None:
    ledger = dev.one("AWS::DynamoDB::Table", "StorageLedger")["Properties"]
    assert ledger["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {a["AttributeType"] for a in ledger["AttributeDefinitions"]} == {"S"}
    assert ledger["BillingMode"] == "PAY_PER_REQUEST"
    assert ledger["SSESpecification"]["SSEType"] == "KMS"
    assert ledger["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert "TableName" not in ledger


@pytest.mark.parametrize(("stage", "policy"), [("dev", "Delete"), ("prod", "Retain")])
def test_deletion_policies(stage: str, policy: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(stage)
    for kind in DATA:
        for id, resource in template.of_type(kind).items():
            assert resource["DeletionPolicy"] == policy, id
            assert resource["UpdateReplacePolicy"] == policy, id
    ledger = template.one("AWS::DynamoDB::Table", "StorageLedger")["Properties"]
    assert ledger.get("DeletionProtectionEnabled", False) is (stage == "prod")
    for id, group in template.of_type("AWS::Logs::LogGroup").items():
        assert group["DeletionPolicy"] == policy, id


def test_no_custom_resource_empties_or_wires_anything(dev: Template) -> None:
    custom = {r["Type"] for r in dev.resources.values() if r["Type"].startswith("Custom::")}
    assert custom == {"Custom::CDKContainerImageBuild"}
