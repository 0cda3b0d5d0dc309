"""Who may do what: sessions of roles, and checks that the emulator leaves out."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import iam, lambda_svc, sts

from local.home import ACCOUNT, REGION


@dataclass(frozen=True)
class Session:
    """Temporary credentials of a role."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class AccessDenied(Exception):
    """The caller has no permission; the message is worded as AWS words it."""


def register_session(role_arn: str, session_name: str) -> Session:
    """Credentials with which a caller acts as `assumed-role/<role>/<session name>`."""
    session = Session(
        "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(32)
    )
    name = role_name(role_arn)
    sts.register_session(
        session.access_key_id,
        {
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session_name}",
            "UserId": f"{name}:{session_name}",
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
        },
    )
    return session


def role_name(role_arn: str) -> str:
    """The last segment of a role's ARN."""
    return role_arn.rsplit("/", 1)[-1]


def trusts(role_arn: str, service: str) -> bool:
    """Whether the role exists and its trust policy lets the service (`x.amazonaws.com`) assume it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html
    """
    role = iam._roles.get(role_name(role_arn))
    if role is None:
        return False
    return names_service(role.get("AssumeRolePolicyDocument"), service)


def function_admits(function_name: str, service: str) -> bool:
    """Whether the function's own policy lets the service invoke it.

    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
    """
    found = lambda_svc.function_policy_for_arn(
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
    )
    return found is not None and names_service(found[0], service)


def names_service(document: str | Mapping[str, object] | None, service: str) -> bool:
    """Whether a resource or trust policy allows something to the service."""
    if isinstance(document, str):
        document = json.loads(document) if document else None
    statements = (document or {}).get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    return any(
        isinstance(statement, dict)
        and statement.get("Effect") == "Allow"
        and iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        for statement in (statements if isinstance(statements, list) else [])
    )


def role_may(
    role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether the role's identity policies allow the action on the resource."""
    name = role_name(role_arn)
    evaluation = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/check",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    policies = iam_evaluator._gather_role_policies(name, ACCOUNT)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, ACCOUNT)
    return iam_evaluator.evaluate(evaluation, policies, *limits).decision == "Allow"


def require(
    headers: Mapping[str, str], action: str, resource: str, context: Mapping[str, str] | None = None
) -> None:
    """Raises AccessDenied unless the caller of this request may do the action as well.

    For permissions that AWS demands beside the operation's own, iam:PassRole above all:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    key = router.extract_access_key_id(dict(headers))
    denied = iam_evaluator.enforce(
        key,
        action,
        action.partition(":")[0],
        responses.get_region(),
        resource_arn=resource,
        service_context=dict(context or {}),
    )
    if denied is None:
        return
    if isinstance(denied, iam_evaluator.AuthError):
        raise AccessDenied(denied.message)
    raise AccessDenied(
        iam_actions.identity_denial_message(
            action, denied.principal_arn, resource, denied.decision == "Deny"
        )
    )


def role_exists(role_arn: str) -> bool:
    """Whether the account has the role."""
    return iam._roles.get(role_name(role_arn)) is not None
