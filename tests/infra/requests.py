"""Checks a request against botocore's model of the service, further than botocore does itself.

botocore checks names, types and what is required; lengths, ranges, patterns and enumerations are in
its model too, but are left to the service.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator


def problems(service: str, operation: str, request: dict[str, Any]) -> list[str]:
    """What the service would refuse; empty if nothing."""
    shape = _operation(service, operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        return [report.generate_report()]
    return list(_problems(shape, request, operation))


@cache
def _operation(service: str, operation: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation)


def _problems(shape: Shape, value: Any, place: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            yield from _problems(shape.members[name], item, f"{place}.{name}")
    elif isinstance(shape, ListShape):
        yield from _bounds(shape, len(value), place)
        for index, item in enumerate(value):
            yield from _problems(shape.member, item, f"{place}[{index}]")
    elif isinstance(shape, MapShape):
        yield from _bounds(shape, len(value), place)
        for key, item in value.items():
            yield from _problems(shape.key, key, f"{place} key {key!r}")
            yield from _problems(shape.value, item, f"{place}.{key}")
    elif isinstance(shape, StringShape):
        yield from _bounds(shape, len(value), place)
        if shape.enum and value not in shape.enum:
            yield f"{place}: {value!r} is none of {', '.join(shape.enum[:5])} …"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(_python(pattern), value, re.DOTALL):
            yield f"{place}: {value!r} does not match {pattern}"
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _bounds(shape, value, place)


def _bounds(shape: Shape, size: float, place: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"{place}: {size} is below {low}"
    if high is not None and size > high:
        yield f"{place}: {size} is above {high}"


def _python(pattern: str) -> str:
    """Java's character classes, and its pairs of surrogates, as Python's."""
    classes = ((r"\p{L}", r"\w"), (r"\p{Z}", r"\s"), (r"\p{N}", r"\d"), (r"\p{Print}", "[ -~]"))
    pairs = ((r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"),)
    for java, python in (*classes, *pairs):
        pattern = pattern.replace(java, python)
    return pattern


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """The dotted paths of a request's leaves, `[]` for a list's members."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, f"{prefix}[]")
    else:
        yield prefix
