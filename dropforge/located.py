"""Mistakes in a project, by the key that they are at; `dropforge.yaml_source` knows its line."""

from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


@dataclass(frozen=True)
class Problem:
    """A mistake at a key, as `("features", "derive", "ratio")` of the whole project.

    `character` is the place in an expression, from 1; in features.py it is the line. `at_key`
    points at the key rather than at its value.
    """

    path: tuple[str | int, ...]
    message: str
    character: int | None = None
    at_key: bool = False


def located(message: str, *path: str | int, character: int | None = None) -> ValidationError:
    """An error for a model's validator to raise at a key below it."""
    context = {"says": message, "character": character}
    error = PydanticCustomError("value_error", "{says}", context)
    details = InitErrorDetails(type=error, loc=path, input=None)
    return ValidationError.from_exception_data("project", [details])
