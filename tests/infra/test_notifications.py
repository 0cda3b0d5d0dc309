"""Mails: who gets which, and who may publish."""

import json
from pathlib import Path

import pytest

from infra.app import synthesize
from tests.infra.template import ACCOUNT, Template


def test_topics_are_encrypted_with_a_key_that_publishers_may_use(dev: Template) -> None:
    topics = dev.of_type("AWS::SNS::Topic")
    assert len(topics) == 2
    assert all(topic["Properties"]["KmsMasterKeyId"] for topic in topics.values())
    key = dev.one("AWS::KMS::Key", "NotificationsKey")["Properties"]
    services = [
        (s["Principal"]["Service"], s["Action"], s["Condition"])
        for s in key["KeyPolicy"]["Statement"]
        if "Service" in s["Principal"]
    ]
    same_account = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert services == [
        ("cloudwatch.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey"], same_account)
    ]


def test_nobody_publishes_over_plain_http_or_anonymously(dev: Template) -> None:
    for policy in dev.of_type("AWS::SNS::TopicPolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
            else:
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_address_gets_the_events_it_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_settings: None
) -> None:
    mail = {"results": ["a@x.example"], "failures": ["a@x.example", "b@x.example"]}
    monkeypatch.setenv("DROPFORGE_MAIL", json.dumps(mail))
    template = Template(synthesize(tmp_path, "staging"), "staging")
    got = {
        s["Properties"]["Endpoint"]: s["Properties"]["FilterPolicy"]
        for s in template.of_type("AWS::SNS::Subscription").values()
    }
    assert got == {
        "a@x.example": {"event": ["results", "failures"]},
        "b@x.example": {"event": ["failures"]},
    }


def test_rules_watch_the_pipeline_only_and_lose_nothing(dev: Template) -> None:
    rules = {
        r["Properties"]["EventPattern"]["source"][0]: r["Properties"]
        for r in dev.of_type("AWS::Events::Rule").values()
    }
    assert set(rules) == {"aws.states", "aws.sagemaker"}
    runs = rules["aws.states"]["EventPattern"]
    assert runs["detail-type"] == ["Step Functions Execution Status Change"]
    assert runs["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    (machine,) = runs["detail"]["stateMachineArn"]
    assert machine.endswith(":stateMachine:dropforge-dev-pipeline")
    packages = rules["aws.sagemaker"]["EventPattern"]
    assert packages["detail-type"] == ["SageMaker Model Package State Change"]
    assert packages["detail"] == {"ModelApprovalStatus": ["Approved", "Rejected"]}
    for source, function in (("aws.states", "notify-failure"), ("aws.sagemaker", "on-approval")):
        (target,) = rules[source]["Targets"]
        assert target["Arn"].endswith(f":dropforge-dev-{function}")
        assert target["DeadLetterConfig"]["Arn"]
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


@pytest.mark.parametrize(
    ("event", "matches"),
    [
        ("states/execution_failed.json", True),
        ("sagemaker/package_approved.json", True),
        ("sagemaker/package_rejected.json", True),
        ("sagemaker/package_pending.json", False),
    ],
)
def test_the_patterns_match_real_events(dev: Template, event: str, matches: bool) -> None:
    recorded = json.loads((Path(__file__).parents[1] / "events" / event).read_text())
    (pattern,) = (
        rule["Properties"]["EventPattern"]
        for rule in dev.of_type("AWS::Events::Rule").values()
        if recorded["source"] in rule["Properties"]["EventPattern"]["source"]
    )
    assert recorded["detail-type"] in pattern["detail-type"]
    assert set(pattern["detail"]) <= set(recorded["detail"])
    found = [
        recorded["detail"][key] in wanted
        for key, wanted in pattern["detail"].items()
        if key != "stateMachineArn"
    ]
    assert all(found) is matches
