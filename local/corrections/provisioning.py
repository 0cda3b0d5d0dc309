"""What the emulator's provisioner of a CloudFormation type drops is done right after it."""

from collections.abc import Callable
from typing import Any

Handlers = dict[str, dict[str, Any]]


def afterwards(handlers: Handlers, kind: str, act: Callable[[str, dict[str, Any]], None]) -> None:
    """Calls `act(physical id, properties)` whenever a resource of the type was made or updated."""
    create, update = handlers[kind]["create"], handlers[kind]["update"]

    def created(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        result = create(logical_id, properties, stack)
        act(result[0], properties)
        return result

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        result = update(physical_id, old, new, *rest)
        act(result[0], new)
        return result

    handlers[kind]["create"], handlers[kind]["update"] = created, updated
