"""LightGBM's model text, as far as predicting needs it.

https://github.com/microsoft/LightGBM/blob/v4.6.0/src/boosting/gbdt_model_text.cpp
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

VERSION = "v4"
MAX_NODES = 150_000
"""A model with more splits would keep a core busy for a minute or more."""


class NotCompilable(Exception):
    """A model that has what the compiler does not know; LightGBM scores it."""


@dataclass(frozen=True)
class Tree:
    """A tree's splits, a list entry each, and its leaves.

    A child from 0 on is a split, one below is the leaf ~child. Of a categorical split (bit 0 of
    `decisions`) the threshold is the place of its bit set in `boundaries`.
    """

    features: list[int]
    thresholds: list[float]
    decisions: list[int]
    left: list[int]
    right: list[int]
    leaves: list[float]
    boundaries: list[int]
    bits: list[int]


@dataclass(frozen=True)
class Forest:
    """Trees that are added up: tree i belongs to the output i % outputs."""

    features: int
    outputs: int
    objective: str
    trees: list[Tree]


def read_forest(model: Path) -> Forest:
    """Read a model text.

    Raises:
        NotCompilable: linear or averaged trees, another version, or too many splits.
    """
    with model.open(encoding="utf-8") as lines:
        stripped = (line.rstrip("\n") for line in lines)
        head = _section(stripped)
        if head.get("version") != VERSION:
            raise NotCompilable(f"its version is {head.get('version')!r}, not {VERSION!r}")
        if "average_output" in head:
            raise NotCompilable("its trees are averaged, not added")
        trees, nodes = [], 0
        for tree in _trees(stripped):
            nodes += len(tree.features)
            if nodes > MAX_NODES:
                raise NotCompilable(f"it has more than {MAX_NODES:,} splits")
            trees.append(tree)
    outputs = int(head["num_tree_per_iteration"])
    if not trees or len(trees) % outputs:
        raise NotCompilable(f"it has {len(trees)} trees for {outputs} outputs")
    return Forest(int(head["max_feature_idx"]) + 1, outputs, head.get("objective", ""), trees)


def _section(lines: Iterable[str]) -> dict[str, str]:
    """The next lines up to an empty one, by what is before their first `=`."""
    found: dict[str, str] = {}
    for line in lines:
        if line:
            key, _, value = line.partition("=")
            found[key] = value
        elif found:
            break
    return found


def _trees(lines: Iterator[str]) -> Iterator[Tree]:
    while "Tree" in (found := _section(lines)):
        if found.get("is_linear", "0") != "0":
            raise NotCompilable("its leaves are linear models")
        yield Tree(
            features=_whole(found, "split_feature"),
            thresholds=_doubles(found, "threshold"),
            decisions=_whole(found, "decision_type"),
            left=_whole(found, "left_child"),
            right=_whole(found, "right_child"),
            leaves=_doubles(found, "leaf_value"),
            boundaries=_whole(found, "cat_boundaries"),
            bits=_whole(found, "cat_threshold"),
        )


def _whole(found: dict[str, str], key: str) -> list[int]:
    return [int(word) for word in found.get(key, "").split()]


def _doubles(found: dict[str, str], key: str) -> list[float]:
    return [float(word) for word in found.get(key, "").split()]
