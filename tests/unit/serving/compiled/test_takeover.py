"""When compiled trees score a worker's batches, and when LightGBM goes on."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sagemaker_jobs.serving.compiled.code import CompiledBooster, Head, is_sealed, seal, write
from sagemaker_jobs.serving.compiled.compiler import compile_model
from sagemaker_jobs.serving.compiled.compiling import Compiling
from sagemaker_jobs.serving.compiled.takeover import Takeover
from sagemaker_jobs.serving.model import ServedModel
from tests.unit.jobs.conftest import Made
from tests.unit.serving.calling import ROW
from tests.unit.serving.compiled.forests import a_file, needs_compiler, train
from tests.unit.serving.servers import ROOT, Running, Start, until

pytestmark = needs_compiler

BATCH = [ROW, ROW | {"age": 70}, ROW | {"job": "pilot"}]


def answers(model: ServedModel) -> Any:
    return json.loads(model.answer("application/json", "", json.dumps(BATCH).encode())[1])


def takeover(model: ServedModel, made: Made, file: int, done: Callable[[], None]) -> Takeover:
    return Takeover(file, model.scorer, lambda: model.golden_matrix(made.artifact), done)


def test_batches_are_scored_by_the_compiled_trees_once_they_are_whole(made: Made) -> None:
    model = ServedModel.load(made.artifact, "7")
    before, told = answers(model), []
    with a_file() as file:
        look = takeover(model, made, file, lambda: told.append("done")).look
        look()
        assert not isinstance(model.scorer.booster, CompiledBooster)
        compile_model(made.artifact / "model.txt", file)
        look()
        look()
    assert told == ["done"]
    assert isinstance(model.scorer.booster, CompiledBooster)
    assert answers(model) == before
    assert model.check_golden(made.artifact) == 32
    question = model.read("application/json", json.dumps(ROW).encode())
    assert b"contributions" in model.reply(question, "application/json", None, explain=True)


def fill_with_another_model(file: int, folder: Path, made: Made) -> None:
    # Other leaves; of the same length, as LightGBM counts characters.
    text = (made.artifact / "model.txt").read_text()
    digits = str.maketrans("12345678", "23456781")
    lines = [x.translate(digits) if "leaf_value" in x else x for x in text.splitlines()]
    (folder / "other.txt").write_text("\n".join(lines) + "\n")
    compile_model(folder / "other.txt", file)


def fill_with_more_features(file: int, folder: Path, made: Made) -> None:
    compile_model(train(folder / "other.txt", rounds=3), file)


def fill_with_an_unknown_objective(file: int, folder: Path, made: Made) -> None:
    write(file, Head(5, 1, "unheard of", 0, 0), b"\xc3" * 64)
    seal(file)


def fill_with_nothing(file: int, folder: Path, made: Made) -> None:
    seal(file)


@pytest.mark.parametrize(
    "fill, why",
    [
        (fill_with_another_model, "otherwise than LightGBM"),
        (fill_with_more_features, "reads 7 features"),
        (fill_with_an_unknown_objective, "unheard of"),
        (fill_with_nothing, "empty"),
    ],
)
def test_what_is_not_the_model_is_not_used(
    made: Made,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fill: Callable[[int, Path, Made], None],
    why: str,
) -> None:
    model = ServedModel.load(made.artifact, "7")
    booster = model.scorer.booster
    with a_file() as file:
        fill(file, tmp_path, made)
        look = takeover(model, made, file, pytest.fail).look
        look()
        look()
    assert model.scorer.booster is booster
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and why in record.getMessage()


def test_a_sealed_file_is_never_changed() -> None:
    with a_file() as file:
        write(file, Head(1, 1, "regression", 0, 0), b"\xc3")
        assert not is_sealed(file)
        seal(file)
        assert is_sealed(file)
        for change in (lambda: os.pwrite(file, b"x", 0), lambda: os.ftruncate(file, 0)):
            with pytest.raises(PermissionError):
                change()


def compiled_workers(server: Running) -> float:
    return server.count("dropforge_compiled_trees")


def compiler_of(server: Running) -> list[int]:
    command = "sagemaker_jobs.serving.compiled.compiler"
    found = subprocess.run(
        ["pgrep", "-P", str(server.process.pid), "-f", command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [int(pid) for pid in found.stdout.split()]


def test_every_worker_takes_over_and_so_does_its_replacement(start: Start) -> None:
    server = start(DROPFORGE_COMPILED_TREES="1")
    _, first = server.ask(BATCH)
    until(lambda: compiled_workers(server) == 2, "the trees are not compiled")
    until(lambda: not compiler_of(server), "the compiler does not end")
    for _ in range(10):
        assert server.ask(BATCH)[1]["predictions"] == first["predictions"]
    assert len(re.findall(r"trees compiled in [0-9.]+ s", server.log)) == 1
    assert server.log.count("batches are scored by compiled trees") == 2
    os.kill(server.workers()[0], signal.SIGKILL)
    until(lambda: server.log.count("batches are scored by compiled trees") == 3, "no third time")
    until(lambda: compiled_workers(server) == 2, "the replacement scores by LightGBM")
    assert "WARNING" not in server.log
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0


def with_llvmlite(folder: Path, code: str) -> str:
    """A PYTHONPATH on which llvmlite is what the code says."""
    folder.mkdir()
    (folder / "llvmlite.py").write_text(code)
    return f"{folder}{os.pathsep}{ROOT}"


@pytest.mark.parametrize(
    "code, said",
    [
        ("raise ImportError('no such thing')", "llvmlite cannot be imported: no such thing"),
        ("import os; os.kill(os.getpid(), 9)", "ended with code -9"),
        ("import os; os._exit(1)", "ended with code 1"),
    ],
)
def test_without_a_compiler_lightgbm_answers(
    start: Start, tmp_path: Path, code: str, said: str
) -> None:
    path = with_llvmlite(tmp_path / "path", code)
    server = start(DROPFORGE_COMPILED_TREES="1", PYTHONPATH=path)
    until(lambda: said in server.log, "the log does not say why")
    assert server.log.count("LightGBM scores all batches") == 1
    assert server.ask(BATCH)[0] == 200
    assert compiled_workers(server) == 0


def test_sigterm_ends_the_compiler_too(start: Start, tmp_path: Path) -> None:
    path = with_llvmlite(tmp_path / "path", "import time; time.sleep(600)")
    server = start(DROPFORGE_COMPILED_TREES="1", PYTHONPATH=path)
    until(lambda: bool(compiler_of(server)), "no compiler is started")
    (compiler,) = compiler_of(server)
    assert server.ask(BATCH)[0] == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(compiler, 0)


class Supervisor:
    """One that starts nothing."""

    when_serving: Callable[[], None] | None = None

    def answer(self, listener: socket.socket, handle: Callable[[], None]) -> None:
        raise AssertionError("nothing is to be watched")

    def forget(self, listener: socket.socket) -> None:
        raise AssertionError("nothing was watched")


@pytest.mark.parametrize("system", ["has none", "forbids them"])
def test_a_system_without_nameless_files_serves_by_lightgbm(
    made: Made, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, system: str
) -> None:
    if system == "has none":
        monkeypatch.delattr(os, "memfd_create")
    else:
        monkeypatch.setattr(os, "memfd_create", Mock(side_effect=PermissionError("not permitted")))
    compiling = Compiling(made.artifact, wanted=True)
    model, supervisor = ServedModel.load(made.artifact, "7"), Supervisor()
    booster = model.scorer.booster
    with compiling.beside(supervisor):
        compiling.takeover(model, pytest.fail)()
    assert supervisor.when_serving is None
    assert model.scorer.booster is booster
    (record,) = caplog.records
    assert "LightGBM scores all batches" in record.getMessage()


def test_nothing_is_compiled_unless_it_is_wanted(start: Start) -> None:
    server = start()
    assert not compiler_of(server) and compiled_workers(server) == 0
