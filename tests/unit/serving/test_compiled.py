"""Batches through a compiler: used if it gives the same bits, else LightGBM answers."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sagemaker_jobs.boosting.native import Booster, Floats
from sagemaker_jobs.serving.compiled import MODULE
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.jobs.conftest import Made
from tests.unit.serving.calling import ROW


class FakeModel:
    """lleaves.Model over LightGBM itself; `off` is added to every score."""

    off = 0.0
    fails = False
    asked = 0

    def __init__(self, *, model_file: str) -> None:
        self._booster = Booster(Path(model_file))

    def compile(self, cache: str, *, raw_score: bool) -> None:
        if type(self).fails:
            raise NotImplementedError("linear trees")
        self._raw = raw_score

    def predict(self, data: Floats, n_jobs: int) -> Floats:
        assert n_jobs == 1
        type(self).asked += 1
        scores = self._booster.scores(data, raw=self._raw)
        return scores + type(self).off


@pytest.fixture
def lleaves(monkeypatch: pytest.MonkeyPatch) -> type[FakeModel]:
    fake = type("Model", (FakeModel,), {})
    module = ModuleType(MODULE)
    module.Model = fake  # type: ignore[attr-defined]
    module.__spec__ = object()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, MODULE, module)
    return fake


def batch(model: ServedModel) -> Any:
    rows = json.dumps([ROW, ROW | {"age": 70}]).encode()
    return json.loads(model.answer("application/json", "", rows)[1])


def loaded(made: Made) -> ServedModel:
    model = ServedModel.load(made.artifact, "7")
    assert model.check_golden(made.artifact) == 32
    return model


def test_batches_are_scored_by_the_compiled_model(made: Made, lleaves: type[FakeModel]) -> None:
    expected = batch(ServedModel.load(made.artifact, "7"))
    model = loaded(made)
    before = lleaves.asked
    assert batch(model) == expected
    assert lleaves.asked == before + 1
    explained = model.reply(
        model.read("application/json", json.dumps(ROW).encode()), "application/json", None,
        explain=True,
    )  # fmt: skip
    assert b"contributions" in explained


@pytest.mark.parametrize("change", [{"off": 1e-16}, {"fails": True}])
def test_a_compiler_that_differs_or_fails_is_not_used(
    made: Made, lleaves: type[FakeModel], change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(lleaves, name, value)
    if "off" in change:
        # Scores of about 1 swallow 1e-16; what is added must change a bit of one of them.
        lleaves.off = float(np.spacing(1.0))
    model = loaded(made)
    before = lleaves.asked
    assert len(batch(model)["predictions"]) == 2
    assert lleaves.asked == before
