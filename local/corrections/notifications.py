"""SNS and EventBridge: mails, and targets that must have admitted the sender."""

import logging
from collections.abc import Callable
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import eventbridge, sns, sqs

from local.corrections.identity import function_admits, role_may, trusts
from local.home import ACCOUNT

Deliver = Callable[[str, str, str, str], object]

_log = logging.getLogger(__name__)
_EVENTS = "events.amazonaws.com"


def install(deliver: Deliver) -> None:
    """`deliver(address, subject, body, topic ARN)` is called for every mail SNS would send."""
    _mail(deliver)
    _guard_functions_of_topics()
    _guard_targets_of_rules()


def _mail(deliver: Deliver) -> None:
    """E-mail subscriptions get mails (the emulator writes a log line)."""
    fan_out = sns._fanout

    def fanout(
        topic_arn: str,
        message_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: dict[str, Any] | None = None,
        *rest: Any,
        **named: Any,
    ) -> None:
        topic = sns._topic_by_arn_any_scope(topic_arn)
        for subscription in topic["subscriptions"] if topic else []:
            protocol = subscription.get("protocol")
            if protocol not in ("email", "email-json") or not subscription.get("confirmed"):
                continue
            body = sns._resolve_message_for_protocol(message, message_structure, protocol)
            if not sns._matches_filter_policy(subscription, message_attributes or {}, body):
                continue
            if protocol == "email-json":
                body = sns._build_envelope(
                    topic_arn, message_id, body, subject, message_attributes or {}, False
                )
            deliver(subscription["endpoint"], subject, body, topic_arn)
        fan_out(
            topic_arn,
            message_id,
            message,
            subject,
            message_structure,
            message_attributes,
            *rest,
            **named,
        )

    sns._fanout = fanout


def _guard_functions_of_topics() -> None:
    """A topic invokes a function only if the function's policy says so (there: always)."""
    deliver_to_lambda = sns._deliver_to_lambda

    def guarded(endpoint: str, *rest: Any) -> None:
        if function_admits(_function_name(endpoint), "sns.amazonaws.com"):
            deliver_to_lambda(endpoint, *rest)
        else:
            _log.warning("sns.amazonaws.com may not invoke %s", endpoint)

    sns._deliver_to_lambda = guarded


def _guard_targets_of_rules() -> None:
    """A rule reaches a target only with permission (the emulator dispatches regardless).

    Functions, queues, topics: their own policy. State machines: the target's role.
    """
    invoke = eventbridge._invoke_target

    def guarded(target: dict[str, Any], event: Any, rule: Any, view: Any = None) -> None:
        arn = target.get("Arn", "")
        if not _admitted(arn, target.get("RoleArn"), rule.get("Arn", "")):
            _log.warning("rule %s may not reach %s", rule.get("Name"), arn)
            return
        invoke(target, event, rule, view)

    eventbridge._invoke_target = guarded


def _admitted(arn: str, role_arn: str | None, rule_arn: str) -> bool:
    service = parse_arn(arn).service if arn.startswith("arn:") else ""
    if service == "lambda":
        return function_admits(_function_name(arn), _EVENTS)
    if service == "states":
        return (
            role_arn is not None
            and trusts(role_arn, _EVENTS)
            and role_may(role_arn, "states:StartExecution", arn)
        )
    if service == "sqs":
        return bool(sqs.queue_policy_allows(arn, _EVENTS, rule_arn, ACCOUNT))
    if service == "sns":
        return bool(sns.topic_policy_allows(arn, _EVENTS, rule_arn, ACCOUNT))
    return True


def _function_name(arn: str) -> str:
    return arn.split(":")[6] if arn.count(":") >= 6 else arn


def emit_event(source: str, detail_type: str, resource: str, detail: str) -> None:
    """Puts an event of an AWS service on the default bus."""
    eventbridge._put_events(
        {
            "Entries": [
                {
                    "Source": source,
                    "DetailType": detail_type,
                    "Detail": detail,
                    "Resources": [resource],
                }
            ]
        },
        allow_aws_source=True,
    )
