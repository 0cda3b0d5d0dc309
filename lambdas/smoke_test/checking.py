"""The checks. Their inference ids begin with `golden-`, which monitoring leaves out."""

from collections.abc import Callable
from typing import Any, Literal

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.errors import SmokeTestFailed
from dropforge.names import GOLDEN
from lambdas.entry import Answer, Request
from lambdas.smoke_test import golden
from lambdas.smoke_test.answers import CSV, JSON, JSON_LINES, Scored, UnreadableAnswer, read
from lambdas.smoke_test.golden import Golden
from lambdas.smoke_test.latency import measure

TOLERANCE = 1e-9
"""Absolute: the offline scores come from another machine of the same architecture."""

BODIES: dict[str, Callable[[list[Golden]], bytes]] = {
    CSV: golden.as_csv,
    JSON: golden.as_json,
    JSON_LINES: golden.as_json_lines,
}

REFUSALS: dict[str, tuple[str, bytes]] = {
    "an unknown column": (JSON, b'[{"dropforge: no such column": 1}]'),
    "broken JSON": (JSON, b'[{"'),
    "an unknown content type": ("application/octet-stream", b"\x00"),
}


class SmokeRequest(Request):
    """Which endpoint must serve which model.

    `variant` is asked by name if others answer beside it; `latency_ms` bounds the p95 of one row.
    """

    endpoint: str
    artifact_uri: str
    version: str
    variant: str | None = None
    latency_ms: float | None = None


class SmokeAnswer(Answer):
    """Everything that was checked, one line a check."""

    passed: Literal[True] = True
    checks: list[str]


def check_endpoint(request: SmokeRequest, rows: list[Golden]) -> SmokeAnswer:
    """Run every check.

    Raises:
        SmokeTestFailed: an answer that differs, a wrong version, or bad input that was accepted.
        botocore.exceptions.ClientError: the endpoint could not be asked.
    """
    checks = []
    for content_type, body in BODIES.items():
        _compare(request, content_type, rows, _ask(request, content_type, body(rows)))
        checks.append(f"{len(rows)} rows as {content_type}")
    _compare(request, JSON, rows[:1], _ask(request, JSON, golden.as_json(rows[:1])))
    checks.append("one row alone")
    for what, (content_type, wrong) in REFUSALS.items():
        _expect_refusal(request, what, content_type, wrong)
        checks.append(f"refused {what}")
    if request.latency_ms is not None:
        checks.append(_check_latency(request, golden.as_json(rows[:1]), request.latency_ms))
    return SmokeAnswer(checks=checks)


def _check_latency(request: SmokeRequest, body: bytes, limit: float) -> str:
    found = measure(lambda: _ask(request, JSON, body), limit)
    if found.within:
        return f"p95 of one row {found.p95:.1f} ms of {limit:g} ms"
    raise SmokeTestFailed(
        f"The endpoint {request.endpoint} is too slow: {found.slow} of {found.asked} requests of "
        f"one row took longer than {limit:g} ms, the p95 is {found.p95:.1f} ms "
        "(project.yml: deployment.latency_ms)."
    )


def _ask(request: SmokeRequest, content_type: str, body: bytes) -> bytes:
    try:
        return _invoke(request, content_type, body)
    except ClientError as error:
        if error_code(error) != "ModelError":
            raise
        raise SmokeTestFailed(
            f"The endpoint {request.endpoint} answered the golden rows as {content_type} with "
            f"{_status(error)}: {error.response.get('OriginalMessage', 'no message')}"
        ) from error


def _invoke(request: SmokeRequest, content_type: str, body: bytes) -> bytes:
    target = {"TargetVariant": request.variant} if request.variant else {}
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=request.endpoint,
        **target,
        ContentType=content_type,
        Accept=content_type if content_type in BODIES else JSON,
        InferenceId=f"{GOLDEN}v{request.version}-{content_type.rsplit('/', 1)[-1]}",
        Body=body,
    )
    content: bytes = answer["Body"].read()
    return content


def _compare(request: SmokeRequest, content_type: str, rows: list[Golden], body: bytes) -> None:
    try:
        like = Scored(rows[0].score, rows[0].decision, request.version)
        answers = read(content_type, body, like)
    except UnreadableAnswer as error:
        raise _failed(request, content_type, f"the answer cannot be read ({error})") from error
    if len(answers) != len(rows):
        raise _failed(request, content_type, f"{len(answers)} answers to {len(rows)} rows")
    for row, answer in zip(rows, answers, strict=True):
        if problem := _difference(request, row, answer):
            raise _failed(request, content_type, problem)


def _difference(request: SmokeRequest, row: Golden, answer: Scored) -> str | None:
    if answer.model_version != request.version:
        return f"it is answered by model v{answer.model_version}, not v{request.version}"
    if not _close(answer.score, row.score):
        return f"{row.inference_id} scores {answer.score!r}, offline {row.score!r}"
    if answer.decision != row.decision:
        return f"{row.inference_id} is decided {answer.decision}, offline {row.decision}"
    return None


def _close(answered: float | list[float], offline: float | list[float]) -> bool:
    """Whether scores, or lists of them, are equal within the tolerance."""
    ours, theirs = ([s] if isinstance(s, float) else s for s in (answered, offline))
    # Written so that a score that is not a number fails, too.
    return len(ours) == len(theirs) and all(
        abs(a - b) <= TOLERANCE for a, b in zip(ours, theirs, strict=True)
    )


def _expect_refusal(request: SmokeRequest, what: str, content_type: str, body: bytes) -> None:
    try:
        _invoke(request, content_type, body)
    except ClientError as error:
        if error_code(error) != "ModelError":
            raise
        if 400 <= _status(error) < 500:
            return
        raise SmokeTestFailed(
            f"The endpoint {request.endpoint} must refuse {what} with a 4xx status, but answered "
            f"{_status(error)}."
        ) from error
    raise SmokeTestFailed(
        f"The endpoint {request.endpoint} must refuse {what}, but answered it with scores."
    )


def _failed(request: SmokeRequest, content_type: str, problem: str) -> SmokeTestFailed:
    return SmokeTestFailed(
        f"The endpoint {request.endpoint} was asked the golden rows of v{request.version} as "
        f"{content_type}: {problem}."
    )


def _status(error: ClientError) -> int:
    response: dict[str, Any] = error.response
    return int(response.get("OriginalStatusCode", 0))
