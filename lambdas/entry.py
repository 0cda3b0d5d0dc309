"""The way into a function that a state machine calls: JSON to a typed request, an answer to JSON.

Powertools' `event_parser` does the same; importing it reads the models of forty event sources,
which doubles a cold start.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

logger = Logger()


class Request(BaseModel):
    """A function's input. State machines may pass more than a function needs."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Answer(BaseModel):
    """A function's output."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


AnyRequest = TypeVar("AnyRequest", bound=Request)
Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def takes(request: type[AnyRequest]) -> Callable[[Callable[[AnyRequest], Answer]], Handler]:
    """Make a function of a typed request into a Lambda handler.

    Raises (in the handler):
        pydantic.ValidationError: the input is not of that type; the execution fails naming the key.
    """

    def decorate(function: Callable[[AnyRequest], Answer]) -> Handler:
        @logger.inject_lambda_context(clear_state=True)
        def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
            parsed = request.model_validate(event)
            logger.append_keys(**_about(parsed))
            answer = function(parsed).model_dump(mode="json")
            logger.info("answered", answer=answer)
            return answer

        handler.__doc__ = function.__doc__
        return handler

    return decorate


def _about(request: Request) -> dict[str, Any]:
    """What a log line is found by."""
    return {name: getattr(request, name) for name in ("project", "run") if hasattr(request, name)}
