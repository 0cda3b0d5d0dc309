"""Encryption with customer managed keys: buckets keep their key, and using it needs permission.

The emulator reports every bucket of a template as AES256 and never asks KMS, so a policy that
forgets the key works there and fails in an account. DynamoDB's use of the key is not checked.
"""

import contextvars
import json
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_actions, iam_evaluator
from ministack.services import kms, s3, sns, sqs

from local.corrections.identity import names_service
from local.corrections.provisioning import Handlers, afterwards
from local.home import ACCOUNT, REGION

# What the caller must be allowed on the key, beside the action itself.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
_NEEDED = {
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
}
_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_MANAGED_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"
_denied: contextvars.ContextVar[str | None] = contextvars.ContextVar("kms_denied", default=None)


def install() -> None:
    """Asks KMS at every call that would; delivers to an encrypted queue only with its key."""
    enforce, refuse = iam_evaluator.enforce, iam_actions.access_denied_response
    deliver = s3._deliver_event_to_sqs

    def enforce_with_key(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        denied = enforce(access_key, action, service, region, resource_arn, service_context)
        _denied.set(None)
        key = key_of(resource_arn) if denied is None and action in _NEEDED else None
        for kms_action in _NEEDED[action] if key else ():
            denied = enforce(access_key, kms_action, "kms", region, key)
            if isinstance(denied, iam_evaluator.EvalResult):
                _denied.set(
                    iam_actions.identity_denial_message(
                        kms_action, denied.principal_arn, key, denied.decision == "Deny"
                    )
                )
                return denied
        return denied

    def name_the_key(*arguments: Any, **named: Any) -> Any:
        if message := _denied.get():
            named["message"] = message
        return refuse(*arguments, **named)

    def deliver_with_key(arn: str, *rest: Any, **named: Any) -> None:
        key = key_of(arn)
        if key is None or names_service(kms.key_policy_for_arn(key)[0], "s3.amazonaws.com"):
            deliver(arn, *rest, **named)

    def resolve_with_managed_key(headers: dict[str, str], bucket: str) -> Any:
        """aws:kms without a key means the account's aws/s3 key (the emulator refuses it)."""
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and _KEY_HEADER not in headers:
            headers = headers | {_KEY_HEADER: _MANAGED_KEY}
        return resolve(headers, bucket)

    resolve = s3._resolve_sse_write_headers
    s3._resolve_sse_write_headers = resolve_with_managed_key
    iam_evaluator.enforce = enforce_with_key
    iam_actions.access_denied_response = name_the_key
    s3._deliver_event_to_sqs = deliver_with_key


def key_of(resource_arn: str) -> str | None:
    """The ARN of the customer managed key of an object's bucket, a topic or a queue."""
    reference = None
    if resource_arn.startswith("arn:aws:s3:::") and "/" in resource_arn:
        bucket = resource_arn.removeprefix("arn:aws:s3:::").partition("/")[0]
        headers = s3._bucket_default_sse_headers(bucket)
        reference = headers.get(_KEY_HEADER)
    elif resource_arn.startswith("arn:aws:sns:"):
        topic = sns._topic_by_arn_any_scope(resource_arn)
        reference = topic["attributes"].get("KmsMasterKeyId") if topic else None
    elif resource_arn.startswith("arn:aws:sqs:"):
        queue = sqs._queue_by_arn(resource_arn)
        reference = queue["attributes"].get("KmsMasterKeyId") if queue else None
    if not reference or "alias/aws/" in reference:
        return None
    key = kms._resolve_key(reference)
    return str(key["Arn"]) if key else None


def keep_bucket_encryption(handlers: Handlers) -> None:
    """BucketEncryption of a template reaches the bucket (the emulator drops it).

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-bucketencryption.html
    """
    afterwards(handlers, "AWS::S3::Bucket", _encrypt)


def keep_topics_closed(handlers: Handlers) -> None:
    """A topic of a template keeps its key, and its default policy admits this account's services.

    The emulator drops KmsMasterKeyId, and its default policy lets every role publish.
    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """

    def close(arn: str, properties: dict[str, Any]) -> None:
        attributes = sns._topics[arn]["attributes"]
        attributes["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")
        policy = json.loads(attributes["Policy"])
        for statement in policy["Statement"]:
            if statement.get("Sid") == "__default_statement_ID":
                statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
        attributes["Policy"] = json.dumps(policy)

    afterwards(handlers, "AWS::SNS::Topic", close)


def _encrypt(bucket: str, properties: dict[str, Any]) -> None:
    rules = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    if rules:
        body = "".join(_rule(rule) for rule in rules)
        s3._put_bucket_encryption(
            bucket,
            (
                f"<ServerSideEncryptionConfiguration>{body}</ServerSideEncryptionConfiguration>"
            ).encode(),
        )


def _rule(rule: dict[str, Any]) -> str:
    default = rule["ServerSideEncryptionByDefault"]
    inner = "".join(_elements(default, ("SSEAlgorithm", "KMSMasterKeyID")))
    enabled = str(rule.get("BucketKeyEnabled", False)).lower()
    return (
        f"<Rule><ApplyServerSideEncryptionByDefault>{inner}"
        f"</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{enabled}"
        "</BucketKeyEnabled></Rule>"
    )


def _elements(values: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if name in values:
            yield f"<{name}>{escape(str(values[name]))}</{name}>"
