"""Who gets which mails: a project's recipients as subscriptions of the stage's topic.

SNS holds one subscription an address and topic, so an address that several projects name has one
filter policy for all of them: a list of (project, events) alternatives
(https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html, "OR").
"""

import json
from typing import Any, Literal, get_args

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.mail import Event
from dropforge.project import ProjectSpec

State = Literal["confirmed", "asked", "everything"]
Alternatives = dict[str, list[str]]
"""The events of each project that one address is mailed about."""

SUBSCRIPTION_STATES: dict[State, str] = {
    "confirmed": "subscribed",
    "asked": "subscribed; until the link in AWS's confirmation mail is followed, nothing arrives",
    "everything": "has a subscription of its own for all mails of this stage; left as it is",
}
_PENDING = "PendingConfirmation"


def subscribe(topic: str, spec: ProjectSpec) -> dict[str, State]:
    """Bring the topic's subscriptions in step with a project's `notify`; answers each address."""
    present = {s["Endpoint"]: s["SubscriptionArn"] for s in subscriptions(topic)}
    wanted = _events_by_address(spec)
    states: dict[str, State] = {}
    for address, events in wanted.items():
        states[address] = _bring_in_step(topic, spec.name, address, events, present.get(address))
    for address, arn in present.items():
        if address not in wanted and arn != _PENDING:
            _leave(spec.name, arn)
    return states


def subscriptions(topic: str) -> list[dict[str, str]]:
    """The topic's e-mail subscriptions, as list_subscriptions_by_topic describes them."""
    pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return [s for page in pages for s in page["Subscriptions"] if s["Protocol"] == "email"]


def is_confirmed(subscription: dict[str, str]) -> bool:
    """Whether mails go out on a subscription."""
    return subscription["SubscriptionArn"] != _PENDING


def filter_policy(alternatives: Alternatives) -> dict[str, Any]:
    """The policy that lets through exactly these projects' events."""
    parts = [
        {"project": [project], "event": sorted(events)}
        for project, events in sorted(alternatives.items())
    ]
    return parts[0] if len(parts) == 1 else {"$or": parts}


def read_policy(policy: dict[str, Any]) -> Alternatives:
    """What `filter_policy` wrote."""
    parts = policy.get("$or", [policy])
    return {part["project"][0]: list(part["event"]) for part in parts if "project" in part}


def _events_by_address(spec: ProjectSpec) -> dict[str, list[str]]:
    events: dict[str, list[str]] = {}
    for event in get_args(Event):
        for address in getattr(spec.notify, event):
            events.setdefault(address, []).append(event)
    return events


def _bring_in_step(
    topic: str, project: str, address: str, events: list[str], arn: str | None
) -> State:
    if arn is None or arn == _PENDING:
        return _subscribe(topic, address, filter_policy({project: events}))
    policy = _policy_of(arn)
    if policy is None:
        return "everything"
    _set_policy(arn, read_policy(policy) | {project: events}, policy)
    return "confirmed"


def _subscribe(topic: str, address: str, policy: dict[str, Any]) -> State:
    try:
        answer = client("sns").subscribe(
            TopicArn=topic,
            Protocol="email",
            Endpoint=address,
            Attributes={"FilterPolicy": json.dumps(policy)},
            ReturnSubscriptionArn=False,
        )
    except ClientError as error:
        # Asked before with another policy and not yet confirmed: a pending one cannot be changed.
        if error_code(error) not in ("InvalidParameter", "InvalidParameterException"):
            raise
        return "asked"
    return "confirmed" if answer["SubscriptionArn"].startswith("arn:") else "asked"


def _leave(project: str, arn: str) -> None:
    policy = _policy_of(arn)
    if policy is None or project not in (alternatives := read_policy(policy)):
        return
    del alternatives[project]
    if alternatives:
        _set_policy(arn, alternatives, policy)
    else:
        client("sns").unsubscribe(SubscriptionArn=arn)


def _policy_of(arn: str) -> dict[str, Any] | None:
    attributes = client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    text = attributes.get("FilterPolicy")
    return json.loads(text) if text and text != "{}" else None


def _set_policy(arn: str, alternatives: Alternatives, before: dict[str, Any]) -> None:
    policy = filter_policy(alternatives)
    if policy != before:
        client("sns").set_subscription_attributes(
            SubscriptionArn=arn,
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps(policy),
        )
