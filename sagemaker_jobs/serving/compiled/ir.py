"""A forest as LLVM's intermediate representation: eight rows at a time, without a branch.

A tree's value is found from its leaves up: every split compares its feature of eight rows at once
and selects, a row each, between its left and its right value. That is more comparisons than a walk
from the root makes, but none that the processor has to guess. Every sum is made in LightGBM's
order, so it has LightGBM's bits.
https://llvm.org/docs/LangRef.html
"""

import struct
from collections.abc import Iterator

from sagemaker_jobs.serving.compiled.model_text import Forest
from sagemaker_jobs.serving.compiled.splits import (
    DOUBLES,
    FUNCTION,
    LANES,
    TESTS,
    TO_WHOLE,
    WORDS,
    splat,
    tree_function,
)

BLOCK_NODES = 2_000
"""So many splits' code and constants stay in a core's cache while all rows pass through."""

RAW, EXP = "raw", "exponentials"
"""The functions' names."""

_ZERO = struct.unpack("f", struct.pack("f", 1e-35))[0]
"""LightGBM's kZeroThreshold: a value so near to 0 is 0.

https://github.com/microsoft/LightGBM/blob/v4.6.0/include/LightGBM/meta.h
"""

_EXP = f"""
define void @{EXP}(ptr %values, i64 %count, ptr %exp) nounwind {{
start:
  %any = icmp sgt i64 %count, 0
  br i1 %any, label %loop, label %end
loop:
  %i = phi i64 [0, %start], [%next, %loop]
  %at = getelementptr double, ptr %values, i64 %i
  %value = load double, ptr %at
  %result = call double %exp(double %value)
  store double %result, ptr %at
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %end
end:
  ret void
}}
declare {DOUBLES} @llvm.fabs.v{LANES}f64({DOUBLES})
declare {WORDS} {TO_WHOLE}({DOUBLES})
"""


def module(forest: Forest) -> str:
    """The text of a module with two functions.

    `raw(rows, groups, last, lanes, out, stride)`: rows is a matrix of doubles, a row's features
    side by side; groups how many times eight rows there are, the last being repeated where the
    matrix ends (last is its place); lanes is working memory, a double a feature, row and group;
    out takes a row's raw score, its next output `stride` doubles further.
    `exponentials(values, count, exp)`: exp of every value, by the function given.
    """
    return "\n".join([_EXP, *_lines(forest)])


def _lines(forest: Forest) -> Iterator[str]:
    yield from _turn(forest.features)
    for number, tree in enumerate(forest.trees):
        yield from tree_function(number, tree)
    blocks = list(_blocks(forest))
    for number, block in enumerate(blocks):
        yield from _block(number, block, forest)
    yield (
        f"define void @{RAW}(ptr noalias %rows, i64 %groups, i64 %last, ptr noalias %lanes, "
        "ptr noalias %out, i64 %stride) nounwind {"
    )
    yield "  call void @turn(ptr %rows, i64 %groups, i64 %last, ptr %lanes)"
    for number in range(len(blocks)):
        yield f"  call void @block{number}(ptr %lanes, i64 %groups, ptr %out, i64 %stride)"
    yield "  ret void\n}"


def _turn(features: int) -> Iterator[str]:
    """Rows side by side, a feature's eight values together; what is nearly 0 becomes 0."""
    yield (
        "define internal void @turn(ptr noalias %rows, i64 %groups, i64 %last, "
        f"ptr noalias %lanes) {FUNCTION} {{"
    )
    yield "start:\n  br label %group"
    yield "group:\n  %g = phi i64 [0, %start], [%g1, %done]"
    yield f"  %first = mul i64 %g, {LANES}"
    for lane in range(LANES):
        yield f"  %p{lane} = add i64 %first, {lane}"
        yield f"  %e{lane} = icmp sgt i64 %p{lane}, %last"
        yield f"  %q{lane} = select i1 %e{lane}, i64 %last, i64 %p{lane}"
        yield f"  %m{lane} = mul i64 %q{lane}, {features}"
        yield f"  %r{lane} = getelementptr double, ptr %rows, i64 %m{lane}"
    yield f"  %n = mul i64 %g, {features}"
    yield f"  %to = getelementptr {DOUBLES}, ptr %lanes, i64 %n"
    yield "  br label %feature"
    yield "feature:\n  %f = phi i64 [0, %group], [%f1, %feature]"
    before = "poison"
    for lane in range(LANES):
        yield f"  %a{lane} = getelementptr double, ptr %r{lane}, i64 %f"
        yield f"  %d{lane} = load double, ptr %a{lane}"
        yield f"  %v{lane} = insertelement {DOUBLES} {before}, double %d{lane}, i32 {lane}"
        before = f"%v{lane}"
    yield f"  %size = call {DOUBLES} @llvm.fabs.v{LANES}f64({DOUBLES} {before})"
    yield f"  %zero = fcmp ole {DOUBLES} %size, {splat(_ZERO)}"
    yield f"  %value = select {TESTS} %zero, {DOUBLES} zeroinitializer, {DOUBLES} {before}"
    yield f"  %at = getelementptr {DOUBLES}, ptr %to, i64 %f"
    yield f"  store {DOUBLES} %value, ptr %at, align 8"
    yield "  %f1 = add i64 %f, 1"
    yield f"  %fm = icmp slt i64 %f1, {features}"
    yield "  br i1 %fm, label %feature, label %done"
    yield "done:\n  %g1 = add i64 %g, 1\n  %gm = icmp slt i64 %g1, %groups"
    yield "  br i1 %gm, label %group, label %end"
    yield "end:\n  ret void\n}"


def _blocks(forest: Forest) -> Iterator[range]:
    """Trees that pass together: whole rounds, until they have enough splits."""
    start, nodes = 0, 0
    for first in range(0, len(forest.trees), forest.outputs):
        end = first + forest.outputs
        nodes += sum(len(tree.features) for tree in forest.trees[first:end])
        if nodes >= BLOCK_NODES or end == len(forest.trees):
            yield range(start, end)
            start, nodes = end, 0


def _block(number: int, trees: range, forest: Forest) -> Iterator[str]:
    """Every group through some trees; the first block begins the sums with 0."""
    yield (
        f"define internal void @block{number}(ptr noalias %lanes, i64 %groups, "
        f"ptr noalias %out, i64 %stride) {FUNCTION} {{"
    )
    yield "start:\n  br label %loop"
    yield "loop:\n  %g = phi i64 [0, %start], [%g1, %loop]"
    yield f"  %n = mul i64 %g, {forest.features}"
    yield f"  %row = getelementptr {DOUBLES}, ptr %lanes, i64 %n"
    yield f"  %first = mul i64 %g, {LANES}"
    sums = []
    for output in range(forest.outputs):
        yield f"  %k{output} = mul i64 %stride, {output}"
        yield f"  %j{output} = add i64 %k{output}, %first"
        yield f"  %o{output} = getelementptr double, ptr %out, i64 %j{output}"
        if number:
            yield f"  %s{output} = load {DOUBLES}, ptr %o{output}, align 8"
        sums.append(f"%s{output}" if number else "zeroinitializer")
    for tree in trees:
        output = tree % forest.outputs
        yield f"  %t{tree} = call {DOUBLES} @tree{tree}(ptr %row)"
        yield f"  %a{tree} = fadd {DOUBLES} {sums[output]}, %t{tree}"
        sums[output] = f"%a{tree}"
    for output, total in enumerate(sums):
        yield f"  store {DOUBLES} {total}, ptr %o{output}, align 8"
    yield "  %g1 = add i64 %g, 1\n  %gm = icmp slt i64 %g1, %groups"
    yield "  br i1 %gm, label %loop, label %end"
    yield "end:\n  ret void\n}"
