"""From a created object to the intake function, and what wakes us when that fails."""

from typing import Any

from tests.infra.template import ACCOUNT, Template, listed


def properties(template: Template, kind: str, part: str) -> dict[str, Any]:
    found: dict[str, Any] = template.one(kind, part)["Properties"]
    return found


def test_every_created_object_is_a_message(dev: Template) -> None:
    bucket = dev.one("AWS::S3::Bucket", "StorageDrops")
    configuration = bucket["Properties"]["NotificationConfiguration"]
    assert list(configuration) == ["QueueConfigurations"]
    (queue,) = configuration["QueueConfigurations"]
    assert queue["Event"] == "s3:ObjectCreated:*"
    assert "Filter" not in queue
    (policy,) = [id for id in dev.resources if id.startswith("IntakeQueuePolicy")]
    assert policy in listed(bucket["DependsOn"])
    lake = properties(dev, "AWS::S3::Bucket", "StorageLake")
    assert "NotificationConfiguration" not in lake


def test_s3_may_send_and_use_the_key_for_this_account_only(dev: Template) -> None:
    queue = properties(dev, "AWS::SQS::QueuePolicy", "IntakeQueuePolicy")
    key = properties(dev, "AWS::KMS::Key", "StorageKey")
    statements = queue["PolicyDocument"]["Statement"] + key["KeyPolicy"]["Statement"]
    ours = [s for s in statements if s["Principal"] == {"Service": "s3.amazonaws.com"}]
    assert [listed(s["Action"]) for s in ours] == [
        ["sqs:SendMessage"],
        ["kms:GenerateDataKey", "kms:Decrypt"],
    ]
    for statement in ours:
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": "arn:aws:s3:::dropforge-dev-*"},
        }
    (drops,) = [id for id in dev.of_type("AWS::S3::Bucket") if id.startswith("StorageDrops")]
    assert dev.name(drops).startswith("dropforge-dev-")


def test_queues_are_encrypted_and_refuse_plain_http(dev: Template) -> None:
    queues = dev.of_type("AWS::SQS::Queue")
    assert len(queues) == 3
    for id, queue in queues.items():
        encrypted = queue["Properties"]
        assert encrypted.get("KmsMasterKeyId") or encrypted.get("SqsManagedSseEnabled"), id
        policies = [
            s
            for p in dev.of_type("AWS::SQS::QueuePolicy").values()
            for s in p["Properties"]["PolicyDocument"]["Statement"]
            if s["Resource"] == dev.arn(id) and s["Effect"] == "Deny"
        ]
        assert policies[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_message_that_fails_five_times_is_a_dead_letter(dev: Template) -> None:
    queue = properties(dev, "AWS::SQS::Queue", "IntakeQueue")
    (dead,) = [id for id in dev.of_type("AWS::SQS::Queue") if id.startswith("IntakeDeadLetters")]
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": dev.arn(dead), "maxReceiveCount": 5}


def test_a_message_stays_hidden_six_function_timeouts(dev: Template) -> None:
    queue = properties(dev, "AWS::SQS::Queue", "IntakeQueue")
    function = properties(dev, "AWS::Lambda::Function", "FunctionsIntake")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_the_function_answers_for_each_message_and_is_bounded(dev: Template) -> None:
    (mapping,) = dev.of_type("AWS::Lambda::EventSourceMapping").values()
    assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["Properties"]["ScalingConfig"]["MaximumConcurrency"] >= 2
    assert mapping["Properties"]["FunctionName"] == "dropforge-dev-intake"


def test_dead_letters_wake_somebody(dev: Template) -> None:
    watched = set()
    for alarm in dev.of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert alarm["Properties"]["Threshold"] == 0
        assert alarm["Properties"]["ComparisonOperator"] == "GreaterThanThreshold"
        (dimension,) = alarm["Properties"]["Dimensions"]
        watched.add(dimension["Value"].removesuffix(".QueueName").removeprefix("dropforge-dev-"))
        (action,) = alarm["Properties"]["AlarmActions"]
        mails = [
            s["Properties"]
            for s in dev.of_type("AWS::SNS::Subscription").values()
            if s["Properties"]["TopicArn"] == action
        ]
        assert [(m["Protocol"], "FilterPolicy" in m) for m in mails] == [("email", False)]
    dead = {id for id in dev.of_type("AWS::SQS::Queue") if "DeadLetters" in id}
    assert watched == dead
    assert len(dead) == 2
