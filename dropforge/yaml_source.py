"""YAML files with the place of every key and value, so that a mistake names its line.

PyYAML's nodes know where they stand (https://pyyaml.org/wiki/PyYAMLDocumentation#nodes: marks with
line and column from 0); its documents do not. Both are read here from the same text.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dropforge.errors import InvalidProject

KeyPath = tuple[str, ...]


_NO_TEXTS = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "null", "timestamp")}
"""What YAML takes a bare name for, as `no` or `2020`. A key is always a name here."""


@dataclass(frozen=True)
class Place:
    """A line and a column, both from 1."""

    line: int = 1
    column: int = 1


@dataclass
class YamlSource:
    """A file's document, and where its keys and values stand, by their path of texts."""

    path: Path
    text: str
    document: Any
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)
    plain: dict[KeyPath, str] = field(default_factory=dict)

    def known(self, path: KeyPath) -> KeyPath:
        """The longest beginning of a path that the file has.

        Parts that it has not are skipped where something below is found: the names that pydantic
        gives to the members of a union are no keys.
        """
        found: KeyPath = ()
        for part in path:
            if (*found, part) in self.values:
                found = (*found, part)
        return found

    def at_key(self, path: KeyPath) -> Place:
        """Where a key stands; the file's beginning, if it has none such."""
        return self.keys.get(path, self.at_value(path))

    def at_value(self, path: KeyPath, character: int | None = None) -> Place:
        """Where a value stands, or a character of it, from 1, if it is written on one line."""
        place = self.values.get(path, Place())
        if character is None or path not in self.plain:
            return place
        return Place(place.line, place.column + len(self.plain[path]) + character - 1)

    def says(self, place: Place) -> str:
        """The place as editors understand it: file:line:column."""
        return f"{self.path}:{place.line}:{place.column}"


def read_yaml(path: Path) -> YamlSource:
    """Read a file.

    Raises:
        InvalidProject: it cannot be read, is no YAML, or has a key twice; the message has the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidProject(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidProject(f"{path}:{line}:1: is not UTF-8. Save the file as UTF-8.") from error
    source = YamlSource(path, text, None)
    try:
        loader = yaml.SafeLoader(text)
        if (node := loader.get_single_node()) is not None:
            _walk(node, (), source, ())
            source.document = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place()
        found = f"{path}:{place.line}:{place.column}: is not YAML: {error.problem}"
        raise InvalidProject(f"{found}.") from error
    except yaml.YAMLError as error:
        raise InvalidProject(f"{path} is not YAML: {error}") from error
    except ValueError as error:
        # What looks like a date and is none, as 2020-13-01.
        raise InvalidProject(f"{path} is not YAML: {error}") from error
    return source


def _walk(
    node: yaml.Node, path: KeyPath, source: YamlSource, parents: tuple[yaml.Node, ...]
) -> None:
    if node in parents:
        raise _mistake(source, node, path, "refers to itself")
    parents = (*parents, node)
    source.values[path] = _place(node)
    if isinstance(node, yaml.ScalarNode):
        opening = _opening(node, source.text)
        if opening is not None:
            source.plain[path] = opening
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, str(index)), source, parents)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                first = seen[name].start_mark.line + 1
                raise _mistake(
                    source, key, (*path, name), f"is there twice (first in line {first})"
                )
            seen[name] = key
            if key.tag in _NO_TEXTS:
                key.tag = "tag:yaml.org,2002:str"
            source.keys[(*path, name)] = _place(key)
            _walk(value, (*path, name), source, parents)


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _opening(node: yaml.ScalarNode, text: str) -> str | None:
    """What stands before the first character of a text written on one line; else None."""
    written = text[node.start_mark.index : node.end_mark.index]
    opening = node.style or ""
    if opening not in ("", "'", '"'):
        return None
    return opening if written == f"{opening}{node.value}{opening}" else None


def _mistake(source: YamlSource, node: yaml.Node, path: KeyPath, message: str) -> InvalidProject:
    return InvalidProject(f"{source.says(_place(node))}: {'.'.join(path)}: {message}.")
