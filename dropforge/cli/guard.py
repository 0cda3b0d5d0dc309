"""What every command has around it: an error is told, never traced, unless `--debug` is given."""

from typing import Any

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from rich.text import Text
from typer.core import TyperGroup

from dropforge.cli.console import err, runnable, stage_of_command
from dropforge.commands import DEFAULT_STAGE
from dropforge.errors import CloudUnavailable, DropforgeError

DEBUG = "dropforge.debug"

_NO_LOGIN = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, TokenRetrievalError)
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"}


class Guarded(TyperGroup):
    """The root command: tells a DropforgeError, or one of AWS's, and exits with 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        before = stage_of_command.set(DEFAULT_STAGE)
        try:
            return super().invoke(ctx)
        except (DropforgeError, BotoCoreError, ClientError) as error:
            if ctx.meta.get(DEBUG):
                raise
            tell(error if isinstance(error, DropforgeError) else explain_aws(error))
            raise typer.Exit(1) from error
        finally:
            stage_of_command.reset(before)


def tell(error: DropforgeError) -> None:
    """Print an error's message and what to type next."""
    problem, next_command = runnable(error.message), error.next_command
    err.print(Text.assemble(("Problem: ", "bold red"), problem), soft_wrap=True)
    if next_command:
        err.print(Text.assemble(("Next:    ", "bold"), runnable(next_command)), soft_wrap=True)


def explain_aws(error: BotoCoreError | ClientError) -> DropforgeError:
    """An error of AWS or of reaching it, as one of ours."""
    if isinstance(error, EndpointConnectionError):
        return CloudUnavailable(
            f"{error} Nothing was changed.",
            next_command="dropforge up, or check the network and AWS_ENDPOINT_URL",
        )
    if isinstance(error, NoRegionError):
        return CloudUnavailable(
            "No AWS region is set. Nothing was changed.",
            next_command="export AWS_REGION=..., or dropforge up for the local cloud",
        )
    if isinstance(error, _NO_LOGIN):
        return CloudUnavailable(
            f"No usable AWS credentials: {error}. Nothing was changed.",
            next_command="aws configure, aws sso login, or dropforge up for the local cloud",
        )
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        code, said = detail.get("Code", "?"), detail.get("Message", "no message")
        return CloudUnavailable(
            f"{error.operation_name} was refused: {code}: {said}",
            next_command="aws sso login, then again" if code in _EXPIRED else "dropforge doctor",
        )
    return CloudUnavailable(f"AWS could not be reached: {error}", next_command="dropforge doctor")


def remember_debug(ctx: typer.Context, debug: bool) -> bool:
    """The callback of `--debug`: errors then come with their trace."""
    if debug:
        ctx.meta[DEBUG] = True
    return debug


def remember_stage(stage: str) -> str:
    """The callback of `--stage`: commands that are printed then name it."""
    stage_of_command.set(stage)
    return stage
