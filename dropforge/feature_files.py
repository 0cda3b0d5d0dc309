"""features.yml, or the same in two files, as one document whose keys know their file and line.

`feature_mappings.yml` maps groups to columns, as a mapping or as a list:

    account: [tenure, contract]          - {name: account, columns: [tenure, contract]}

`feature_selection_config.yml` says which groups or columns are kept, in one of three ways, and
holds every other key of features.yml (impute, encode, derive, ...):

    keep: [account]                      features: [account]                 account: true
    drop: [contract]                     drop: [contract]                    services: false
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec
from dropforge.yaml_source import KeyPath, Place, YamlSource, read_yaml

ONE = "features.yml"
MAPPINGS = "feature_mappings.yml"
SELECTION = "feature_selection_config.yml"

KEYS = frozenset(FeaturesSpec.model_fields) - {"groups"}


@dataclass
class Routed:
    """A document, and for the beginnings of its paths the file and the path there."""

    document: dict[str, Any]
    routes: dict[KeyPath, tuple[YamlSource, KeyPath]] = field(default_factory=dict)

    def place(self, path: KeyPath) -> tuple[YamlSource, KeyPath]:
        """The file, and the path in it, that a path of the document comes from."""
        begin = next(path[:n] for n in range(len(path), -1, -1) if path[:n] in self.routes)
        source, below = self.routes[begin]
        return source, (*below, *path[len(begin) :])


def read_features(folder: Path) -> Routed:
    """Read the one file, or the two.

    Raises:
        InvalidProject: a file is missing, both forms are there, or a file is of no known shape.
    """
    two = [name for name in (MAPPINGS, SELECTION) if (folder / name).exists()]
    if two and (folder / ONE).exists():
        raise InvalidProject(
            f"{folder} holds both {ONE} and {' and '.join(two)}: they say the same thing twice. "
            f"Keep either {ONE}, or {MAPPINGS} and {SELECTION}."
        )
    if not two:
        source = read_yaml(folder / ONE)
        return Routed(mapping(source), {(): (source, ())})
    if len(two) == 1:
        other = SELECTION if two == [MAPPINGS] else MAPPINGS
        raise InvalidProject(f"{folder / other} cannot be read: {two[0]} needs it beside it.")
    found = _selection(read_yaml(folder / SELECTION))
    _add_groups(found, read_yaml(folder / MAPPINGS))
    return found


def mapping(source: YamlSource) -> dict[str, Any]:
    """The document of a file whose top is keys and values.

    Raises:
        InvalidProject: it is something else, or empty.
    """
    if not isinstance(source.document, dict):
        raise InvalidProject(f"{source.path} holds no mapping of keys to values.")
    return source.document


def _selection(source: YamlSource) -> Routed:
    document = mapping(source)
    found = Routed({k: v for k, v in document.items() if k in KEYS}, {(): (source, ())})
    if "features" in document:
        if "keep" in document:
            raise _wrong(source, ("features",), "says the same as keep: write one of them")
        found.document["keep"] = document["features"]
        found.routes[("keep",)] = (source, ("features",))
    below: KeyPath = ("groups",) if isinstance(document.get("groups"), dict) else ()
    switches = document["groups"] if below else document
    for name, value in switches.items():
        if not below and (name in KEYS or name == "features"):
            continue
        path = (*below, str(name))
        if not isinstance(value, bool):
            raise _wrong(
                source,
                path,
                f"is none of {', '.join(sorted(KEYS))}, features; and a group that is kept or "
                "dropped is true or false",
            )
        chosen = found.document.setdefault("keep" if value else "drop", [])
        if not isinstance(chosen, list):
            raise _wrong(source, path, "keep and drop are lists")
        found.routes["keep" if value else "drop", str(len(chosen))] = (source, path)
        chosen.append(name)
    return found


def _add_groups(found: Routed, source: YamlSource) -> None:
    document = source.document
    below: KeyPath = ()
    if isinstance(document, dict) and list(document) == ["groups"]:
        document, below = document["groups"], ("groups",)
    groups: dict[str, Any] = {}
    if isinstance(document, dict):
        for name, columns in document.items():
            groups[name] = columns
            found.routes["groups", str(name)] = (source, (*below, str(name)))
    elif isinstance(document, list):
        for index, entry in enumerate(document):
            path = (*below, str(index))
            if not isinstance(entry, dict) or set(entry) != {"name", "columns"}:
                raise _wrong(source, path, "an entry is {name: a group, columns: [its columns]}")
            if entry["name"] in groups:
                raise _wrong(source, (*path, "name"), f"{entry['name']} is there twice")
            groups[entry["name"]] = entry["columns"]
            found.routes["groups", str(entry["name"])] = (source, (*path, "columns"))
    else:
        raise _wrong(source, below, "holds no groups: name: [columns]")
    found.document["groups"] = groups
    found.routes[("groups",)] = (source, below)


def _wrong(source: YamlSource, path: KeyPath, message: str) -> InvalidProject:
    place = source.at_key(path) if path else Place()
    where = ".".join(path)
    return InvalidProject(f"{source.says(place)}: {where + ': ' if where else ''}{message}.")
