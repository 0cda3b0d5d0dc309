"""One tree as a function of LLVM's: eight rows' leaves, found from the leaves up."""

import struct
from collections.abc import Iterator

from sagemaker_jobs.serving.compiled.model_text import Tree

LANES = 8
"""Rows that one instruction compares, as far as the processor's vectors reach."""

DOUBLES, WORDS, TESTS = f"<{LANES} x double>", f"<{LANES} x i32>", f"<{LANES} x i1>"
TO_WHOLE = f"@llvm.fptosi.sat.v{LANES}i32.v{LANES}f64"

FUNCTION = "noinline nounwind"
"""Every function stands alone, so that compiling takes time in proportion to the trees."""

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_NONE, _MISSING_ZERO = 0, 1


def tree_function(number: int, tree: Tree) -> Iterator[str]:
    """The function of a tree: eight rows' leaves."""
    yield f"define internal {DOUBLES} @tree{number}(ptr noalias readonly %row) {FUNCTION} {{"
    for feature in sorted(set(tree.features)):
        yield f"  %p{feature} = getelementptr {DOUBLES}, ptr %row, i64 {feature}"
        yield f"  %x{feature} = load {DOUBLES}, ptr %p{feature}, align 8"
    for node in _upwards(tree):
        yield from (_category if tree.decisions[node] & _CATEGORICAL else _compare)(tree, node)
        left, right = (_value(tree, child) for child in (tree.left[node], tree.right[node]))
        yield f"  %n{node} = select {TESTS} %c{node}, {DOUBLES} {left}, {DOUBLES} {right}"
    yield f"  ret {DOUBLES} {_value(tree, 0 if tree.features else ~0)}\n}}"


def _upwards(tree: Tree) -> list[int]:
    """The splits, each behind those below it, and near to them: few values wait at a time."""
    found, waiting = [], [0] if tree.features else []
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += [child for child in (tree.right[node], tree.left[node]) if child >= 0]
    return found[::-1]


def _value(tree: Tree, child: int) -> str:
    return f"%n{child}" if child >= 0 else splat(tree.leaves[~child])


def _compare(tree: Tree, node: int) -> Iterator[str]:
    """Left or right by a threshold, and where a missing value goes.

    As Tree::NumericalDecision. Values that are nearly 0 are 0 here already.
    https://github.com/microsoft/LightGBM/blob/v4.6.0/include/LightGBM/tree.h
    """
    decision, threshold = tree.decisions[node], tree.thresholds[node]
    missing = (decision >> 2) & 3
    left = threshold >= 0.0 if missing == _MISSING_NONE else bool(decision & _DEFAULT_LEFT)
    x, bound = f"{DOUBLES} %x{tree.features[node]}", splat(threshold)
    below = f"fcmp {'ule' if left else 'ole'} {x}, {bound}"
    if missing != _MISSING_ZERO or (threshold >= 0.0) == left:
        yield f"  %c{node} = {below}"
        return
    yield f"  %b{node} = {below}"
    yield f"  %z{node} = fcmp {'oeq' if left else 'une'} {x}, zeroinitializer"
    yield f"  %c{node} = {'or' if left else 'and'} {TESTS} %b{node}, %z{node}"


def _category(tree: Tree, node: int) -> Iterator[str]:
    """Left if the category's bit is set; one that is missing, negative or beyond goes right.

    As Tree::CategoricalDecision.
    """
    place = int(tree.thresholds[node])
    words = tree.bits[tree.boundaries[place] : tree.boundaries[place + 1]]
    x = f"{DOUBLES} %x{tree.features[node]}"
    yield f"  %k{node} = fcmp ord {x}, zeroinitializer"
    yield f"  %i{node} = call {WORDS} {TO_WHOLE}({x})"
    yield f"  %w{node} = ashr {WORDS} %i{node}, {_words(5)}"
    found = "zeroinitializer"
    for number, word in enumerate(words):
        if word:
            yield f"  %e{node}.{number} = icmp eq {WORDS} %w{node}, {_words(number)}"
            test = f"{TESTS} %e{node}.{number}"
            yield f"  %f{node}.{number} = select {test}, {WORDS} {_words(word)}, {WORDS} {found}"
            found = f"%f{node}.{number}"
    yield f"  %h{node} = and {WORDS} %i{node}, {_words(31)}"
    yield f"  %l{node} = lshr {WORDS} {found}, %h{node}"
    yield f"  %s{node} = trunc {WORDS} %l{node} to {TESTS}"
    yield f"  %c{node} = and {TESTS} %s{node}, %k{node}"


def splat(value: float) -> str:
    """A double, eight times."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    return f"splat (double 0x{bits:016X})"


def _words(value: int) -> str:
    return f"splat (i32 {value})"
