"""features.py of a project, looked at without running it."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec
from dropforge.located import Problem

FEATURES_PY = "features.py"
FUNCTION = "features"


def read_features_py(folder: Path) -> str | None:
    """The file's text, if there is one.

    Raises:
        InvalidProject: it cannot be read.
    """
    path = folder / FEATURES_PY
    if not path.exists():
        return None
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidProject(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidProject(f"{path}:{line}:1: is not UTF-8. Save the file as UTF-8.") from error


def python_problems(spec: FeaturesSpec, text: str | None) -> Iterator[Problem]:
    """What is wrong between features.yml's `python` and features.py."""
    if spec.python is None:
        if text is not None:
            yield _at(1, "features.yml does not declare it: python: {reads: [...], gives: [...]}")
        return
    if text is None:
        path = ("features", "python")
        yield Problem(path, f"is declared, but the folder has no {FEATURES_PY}", at_key=True)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        yield _at(error.lineno or 1, f"is not Python: {error.msg}")
        return
    except (ValueError, RecursionError, MemoryError) as error:
        yield _at(1, f"is not Python: {error}")
        return
    yield from _function_problems(tree)


def _function_problems(tree: ast.Module) -> Iterator[Problem]:
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == FUNCTION
    ]
    if not found:
        yield _at(1, f"has no function {FUNCTION}(frame) at its top level")
        return
    function = found[-1]
    if isinstance(function, ast.AsyncFunctionDef):
        yield _at(function.lineno, f"{FUNCTION} must be a plain function, not async")
    arguments = function.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    takes_one = required == 1 or (required < 1 and (arguments.args or arguments.vararg))
    if not takes_one or any(default is None for default in arguments.kw_defaults):
        yield _at(function.lineno, f"{FUNCTION} takes one argument, the frame")


def _at(line: int, message: str) -> Problem:
    return Problem((FEATURES_PY,), message, character=line)
