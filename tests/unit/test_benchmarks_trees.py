"""The benchmark of compiled trees, at toy size."""

import re

import pytest

from benchmarks import trees
from sagemaker_jobs.boosting.native import Floats
from tests.unit.serving.compiled.forests import needs_compiler

pytestmark = needs_compiler


def test_a_toy_run_prints_both_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trees, "MODELS", ((3, 4),))
    monkeypatch.setattr(trees, "BATCHES", (2, 10))
    monkeypatch.setattr(trees, "ROWS_A_ROUND", 40)
    monkeypatch.setattr(trees, "LEARNT_ROWS", 500)
    assert trees.main([]) == 0
    said = capsys.readouterr().out
    assert re.search(r"3 x 4 +[\d.]+ s +[\d.]+ s +\d+ MB +[\d.]+ MB", said)
    for rows in (2, 10):
        assert re.search(rf"3 x 4 +{rows} +\d+ us +\d+ us +[\d.]+", said)


def test_every_batch_is_as_large_as_asked_and_they_are_not_all_the_same() -> None:
    seen: list[bytes] = []

    def scores(matrix: Floats) -> Floats:
        assert matrix.shape == (300, trees.FEATURES) and matrix.flags.c_contiguous
        seen.append(matrix.tobytes())
        return matrix[:, 0]

    assert len(trees.in_turns((scores, scores), trees.data(1_000), 300)) == 2
    assert len(set(seen)) > 10
