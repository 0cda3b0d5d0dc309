"""Requests checked against botocore's model of SageMaker, as the service checks them."""

import functools
import re
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local.sagemaker.errors import Invalid

# Unicode classes of Java inside [...], in Python's nearest spelling.
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\p{M}": "\u0300-\u036f",
    r"\p{S}": "!-~",
    r"\p{P}": "!-~",
    r"\p{Alnum}": "A-Za-z0-9",
}


@functools.cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def operation(name: str, service: str = "sagemaker") -> OperationModel | None:
    """The model of an operation, None if there is no such operation."""
    model = _service(service)
    return model.operation_model(name) if name in model.operation_names else None


def check(name: str, request: dict[str, Any], service: str = "sagemaker") -> None:
    """Raises Invalid, worded as SageMaker words it, unless the request fits the model."""
    model = operation(name, service)
    if model is None or model.input_shape is None:
        return
    problems = _problems(request, model.input_shape, "")
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise Invalid(f"{len(problems)} validation {noun} detected: " + "; ".join(problems))


def _problems(value: Any, shape: Shape, path: str) -> list[str]:
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            return [_failed(value, path, "Member must be a structure")]
        missing = [
            _failed(None, _join(path, name), "Member must not be null")
            for name in shape.required_members
            if value.get(name) is None
        ]
        return missing + [
            problem
            for name, item in value.items()
            if item is not None and name in shape.members
            for problem in _problems(item, shape.members[name], _join(path, name))
        ]
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return [_failed(value, path, "Member must be a list")]
        return _size(value, shape, path) + [
            problem
            for index, item in enumerate(value, 1)
            for problem in _problems(item, shape.member, f"{path}.{index}.member")
        ]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            return [_failed(value, path, "Member must be a map")]
        return _size(value, shape, path) + [
            problem
            for key, item in value.items()
            for problem in [
                *_problems(key, shape.key, f"{path}.key"),
                *_problems(item, shape.value, f"{path}.{key}.member"),
            ]
        ]
    return _scalar(value, shape, path)


def _scalar(value: Any, shape: Shape, path: str) -> list[str]:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "long": (int,),
        "boolean": (bool,),
        "float": (int, float),
        "double": (int, float),
    }
    expected = kinds.get(shape.type_name)
    if expected is None:
        return []
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        return [_failed(value, path, f"Member must be of type {shape.type_name}")]
    if shape.type_name != "string":
        return _range(value, shape, path)
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        return [_failed(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")]
    pattern = shape.metadata.get("pattern")
    problems = _size(value, shape, path)
    expression = _expression(pattern) if pattern else None
    if expression and not expression.fullmatch(str(value)):
        problems.append(
            _failed(value, path, "Member must satisfy regular expression pattern: " + str(pattern))
        )
    return problems


def _size(value: Any, shape: Shape, path: str) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        return [_failed(value, path, f"Member must have length greater than or equal to {low}")]
    if high is not None and len(value) > high:
        return [_failed(value, path, f"Member must have length less than or equal to {high}")]
    return []


def _range(value: Any, shape: Shape, path: str) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        return [_failed(value, path, f"Member must have value greater than or equal to {low}")]
    if high is not None and value > high:
        return [_failed(value, path, f"Member must have value less than or equal to {high}")]
    return []


@functools.cache
def _expression(pattern: str) -> re.Pattern[str] | None:
    """The model's Java expression as Python's; None for the few that Python cannot read."""
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _failed(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"
