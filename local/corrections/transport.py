"""Conditions on the transport: the wire between processes of one machine counts as secure.

Policies that refuse plain HTTP (`aws:SecureTransport` false) are part of the template; on AWS every
SDK call goes over TLS, here every call goes over loopback, where there is no certificate to check.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from typing import Any

from ministack.core import iam_evaluator


def install() -> None:
    """Answers `aws:SecureTransport` with true for every caller: only loopback can call."""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_secure(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_secure
