"""Pieces of Markdown in which no name can break the text or become HTML."""

import re
from collections.abc import Iterable, Sequence


def text(value: object) -> str:
    """Plain text: one line, nothing in it is markup."""
    plain = " ".join(str(value).split())
    plain = plain.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", plain)


def code(value: object) -> str:
    """A name in a code span; a pipe would end a table's cell, a backtick the span."""
    plain = " ".join(str(value).split()).replace("`", "'").replace("|", "¦")
    return f"`{plain}`"


def items(lines: Iterable[str]) -> str:
    """A list of texts that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
