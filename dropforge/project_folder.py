"""Reading a project's folder; every mistake in it is named by file, line and column."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dropforge.errors import InvalidProject
from dropforge.feature_files import Routed, mapping, read_features
from dropforge.located import Problem
from dropforge.project import ProjectSpec
from dropforge.project_checks import project_problems
from dropforge.python_features import FEATURES_PY, read_features_py
from dropforge.yaml_source import KeyPath, Place, read_yaml


def load_project(folder: Path) -> ProjectSpec:
    """Read a project's folder.

    Raises:
        InvalidProject: a file is missing, is not YAML, or breaks the reference; the message has a
            line a mistake: `churn/features.yml:12:10: derive.ratio: …`.
    """
    found = _read(folder)
    files = {source.path.name: source.text for source, _ in found.routes.values()}
    python = read_features_py(folder)
    if python is not None:
        files[FEATURES_PY] = python
    try:
        spec = ProjectSpec.model_validate({**found.document, "files": files})
    except ValidationError as error:
        raise _invalid(folder, found, _problems(error, found)) from error
    if problems := list(project_problems(spec)):
        raise _invalid(folder, found, problems)
    return spec


def _read(folder: Path) -> Routed:
    source = read_yaml(folder / "project.yml")
    features = read_features(folder)
    found = Routed({**mapping(source), "features": features.document}, {(): (source, ())})
    found.routes |= {("features", *path): place for path, place in features.routes.items()}
    if (folder / "contract.yml").exists():
        contract = read_yaml(folder / "contract.yml")
        found.document["contract"] = mapping(contract)
        found.routes["contract",] = (contract, ())
    return found


def _problems(error: ValidationError, found: Routed) -> list[Problem]:
    """Pydantic's errors, one a key: of a union's members, the one that came furthest."""
    best: dict[KeyPath, tuple[tuple[int, bool], Problem]] = {}
    for detail in error.errors():
        path = tuple(str(part) for part in detail["loc"])
        about_keys = detail["type"] in ("missing", "extra_forbidden")
        source, below = found.place(path)
        known = source.known(below)
        # The names of a union's members, as `literal['none']`, are no keys of the file.
        there = next(n for n in range(len(below), -1, -1) if below[:n] == known[:n])
        is_union = there < len(below) - (detail["type"] == "missing")
        key = path[: len(path) - len(below) + there] if is_union else path
        rank = (len(known), not about_keys)
        if key not in best or rank > best[key][0]:
            best[key] = (rank, _problem(path, detail))
    return [problem for _, problem in best.values()]


def _problem(path: KeyPath, detail: ErrorDetails) -> Problem:
    match detail["type"]:
        case "missing":
            return Problem(path[:-1], f"{path[-1]} is missing", at_key=True)
        case "extra_forbidden":
            return Problem(path, "there is no such key", at_key=True)
        case "string_type" if isinstance(detail["input"], bool | int | float | dt.date):
            return Problem(path, "must be a text: put it in quotes")
    character = detail.get("ctx", {}).get("character")
    return Problem(path, detail["msg"].removeprefix("Value error, "), character)


def _invalid(folder: Path, found: Routed, problems: Sequence[Problem]) -> InvalidProject:
    lines = sorted(_line(folder, found, problem) for problem in problems)
    texts = dict.fromkeys(text for _, _, text in lines)
    return InvalidProject("\n".join(texts), next_command=f"edit {folder}, then push")


def _line(folder: Path, found: Routed, problem: Problem) -> tuple[str, tuple[int, int], str]:
    """The file, the line and column, and the line of the message."""
    path = tuple(str(part) for part in problem.path)
    if path[:1] == (FEATURES_PY,):
        place, file = Place(problem.character or 1, 1), str(folder / FEATURES_PY)
        return file, (place.line, 1), f"{file}:{place.line}:1: {problem.message}"
    source, below = found.place(path)
    known = source.known(below)
    place = source.at_value(known, problem.character)
    if problem.at_key:
        place = source.at_key(known)
    named = ".".join(known)
    text = f"{source.says(place)}: {named + ': ' if named else ''}{problem.message}"
    return str(source.path), (place.line, place.column), text
