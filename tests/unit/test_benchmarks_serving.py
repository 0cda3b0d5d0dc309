"""The serving benchmark: what is asked and checked, what is met, and one load of the toy size."""

import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.measure import BenchmarkFailed
from benchmarks.places import Places
from benchmarks.serving import Sizes, measured, report
from benchmarks.serving_contenders import (
    Contender,
    Name,
    compiled,
    echo,
    nginx_config,
    ours,
    write_mlflow_model,
)
from benchmarks.serving_load import Figures, Request, lua
from benchmarks.serving_places import BENCH, requirement, versions
from benchmarks.serving_questions import (
    Ask,
    Questions,
    ask_fastapi,
    ask_mlflow,
    ask_ours,
    ask_sagemaker,
    check,
)
from benchmarks.serving_rows import Cell, Line, check_answers, compared, measure, median, render
from benchmarks.serving_servers import (
    Process,
    Server,
    answer,
    free_port,
    running,
    wait_until,
)
from benchmarks.serving_start import first_answer
from benchmarks.table import Row

QUESTIONS = Questions(
    trees=1,
    csv=["1,a", ",b", "3,a"],
    json=[{"x": 1, "c": "a"}, {"x": None, "c": "b"}, {"x": 3, "c": "a"}],
    features=["x", "c"],
    matrix=[[1.0, 0.0], [None, 1.0], [3.0, 0.0]],
    scores=[0.1, 0.2, 0.3],
    uncalibrated=[0.1, 0.2, 0.3],
)


NO_LUCK = Process([sys.executable, "-c", "raise SystemExit('no luck')"])


class EachBodyOnce:
    """Sends every body once: a load that is none."""

    name = "each body once"

    def run(self, port: int, request: Request, connections: int, seconds: int) -> Figures:
        bodies = request.bodies[: connections + seconds]
        answered = [answer(port, request, body)[0] for body in bodies]
        return Figures(len(answered), 0.001, 0.002, sum(status != 200 for status in answered))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    return Places(folder, sys.executable, sys.executable).served(2_000, 300, 5)


@pytest.mark.parametrize(
    ("ask", "csv", "json", "path"),
    [
        (ask_ours, ",b\n", '[{"x": null, "c": "b"}]', "/invocations"),
        (ask_sagemaker, "nan,1.0\n", "[[null, 1.0]]", "/invocations"),
        (ask_fastapi, "nan,1.0\n", '{"rows": [[null, 1.0]]}', "/csv"),
        (
            ask_mlflow,
            "x,c\n,1.0\n",
            '{"dataframe_split": {"columns": ["x", "c"], "data": [[NaN, 1.0]]}}',
            "/invocations",
        ),
    ],
)
def test_every_server_is_asked_in_its_own_form(ask: Ask, csv: str, json: str, path: str) -> None:
    asked = ask(QUESTIONS, "csv", 1)
    assert (asked.path, asked.bodies[1], len(asked.bodies)) == (path, csv, 3)
    assert asked.headers["Content-Type"] == "text/csv"
    assert ask(QUESTIONS, "json", 1).bodies[1] == json


def test_bodies_have_as_many_rows_as_are_asked_for() -> None:
    assert ask_ours(QUESTIONS, "csv", 2).bodies == ["1,a\n,b\n"]
    assert ask_sagemaker(QUESTIONS, "json", 3).bodies == ["[[1.0, 0.0], [null, 1.0], [3.0, 0.0]]"]


def test_other_scores_are_no_measurement() -> None:
    check("one", [0.1, 0.2], [0.1, 0.2])
    with pytest.raises(BenchmarkFailed, match="one answers scores that are 0.1 off"):
        check("one", [0.1, 0.3], [0.1, 0.2])
    with pytest.raises(BenchmarkFailed, match="1 scores to 2 rows"):
        check("one", [0.1], [0.1, 0.2])
    with pytest.raises(BenchmarkFailed, match="nan off"):
        check("one", [math.nan], [0.1])


def test_a_body_reaches_wrk_as_it_is() -> None:
    script = lua(Request("/invocations", {"Content-Type": "text/csv"}, ['a "b"\\\n', "ü"]))
    assert 'wrk.headers["Content-Type"] = "text/csv"' in script
    assert '"a \\034b\\034\\092\\010",\n"\\195\\188"' in script


FAST, SLOW = Figures(1600, 0.001, 0.002, 0), Figures(200, 0.01, 0.02, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Line(Cell("csv", 1, 1), "SageMaker", "", SLOW, FAST), "met"),
        (Line(Cell("csv", 1, 8), "SageMaker", "", SLOW, FAST), "not met"),
        (Line(Cell("json", 1, 8), "SageMaker", "", SLOW, FAST), "not met"),
        (Line(Cell("csv", 100, 64), "SageMaker", "", SLOW, FAST), "-"),
        (Line(Cell("csv", 1, 1), "echo, 1 worker", "", FAST, SLOW), "not met"),
        (Line(Cell("csv", 1, 1), "ours", "", FAST, None), "-"),
        (
            Line(Cell("csv", 1, 1), "SageMaker", "", SLOW, Figures(1600, 0.001, 0.002, 3)),
            "failed: 3 requests were not answered with 2xx",
        ),
        (
            Line(Cell("csv", 1, 1), "ours", "", Figures(1600, 0.001, 0.002, 2), None),
            "failed: 2 requests were not answered with 2xx",
        ),
    ],
)
def test_a_goal_is_the_least_ratio_and_an_error_fails_the_row(line: Line, said: str) -> None:
    assert line.cells()[-1] == said


def test_the_median_of_figures_forgets_no_error() -> None:
    taken = [Figures(1, 5, 9, 1), Figures(2, 4, 8, 0), Figures(9, 3, 7, 2)]
    assert median(taken) == Figures(2, 4, 8, 3)


def test_one_package_is_taken_out_of_a_lock() -> None:
    taken = requirement(BENCH.read_text(encoding="utf-8"), "lightgbm").splitlines()
    assert taken[0].startswith("lightgbm==")
    assert len(taken) > 1
    assert all("--hash=sha256:" in line for line in taken[1:])
    assert "mlflow " in versions()


def test_nginx_is_told_where_it_is(tmp_path: Path) -> None:
    config = nginx_config(8123, tmp_path / "s")
    assert "listen 127.0.0.1:8123 deferred;" in config
    assert f"server unix:{tmp_path / 's'};" in config
    assert config.count("{") == config.count("}")
    assert "{{" not in config


def test_mlflow_gets_the_trees_as_text(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("tree")
    write_mlflow_model(tmp_path / "mlflow", tmp_path / "model.txt")
    assert (tmp_path / "mlflow" / "model.lgb").read_text() == "tree"
    assert "loader_module: mlflow.lightgbm" in (tmp_path / "mlflow" / "MLmodel").read_text()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = Server(free_port(), [NO_LUCK])
    first = ask_ours(QUESTIONS, "csv", 1)
    with (
        pytest.raises(BenchmarkFailed, match="no luck"),
        running(server, tmp_path / "log", first),
    ):
        pass


@pytest.fixture
def servers(artifact: Path, tmp_path: Path) -> Iterator[list[Contender]]:
    questions = Questions.read(artifact)
    all_ = [
        ours(sys.executable, artifact, 1, "ours, 1 worker"),
        compiled(sys.executable, artifact, 1),
        echo(sys.executable),
    ]
    with ExitStack() as stack:
        for number, one in enumerate(all_):
            first = one.ask(questions, "csv", 1)
            stack.enter_context(running(one.server, tmp_path / f"{number}.log", first))
        yield all_
    for one in all_:
        with pytest.raises(OSError):
            answer(one.server.port, ask_ours(questions, "csv", 1), "")


def test_servers_are_asked_in_turns_and_ended(servers: list[Contender], artifact: Path) -> None:
    questions = Questions.read(artifact)
    check_answers(servers, questions)
    cells = [Cell("csv", 1, 1), Cell("json", 100, 2)]
    lines = measure(servers, questions, EachBodyOnce(), cells, rounds=2, seconds=1)
    assert [(str(line.cell), line.name, line.errors) for line in lines] == [
        ("1 row, csv, c=1", "ours, 1 worker", 0),
        ("1 row, csv, c=1", "echo, 1 worker", 0),
        ("100 rows, json, c=2", "ours, compiled", 0),
        ("100 rows, json, c=2", "ours, 1 worker", 0),
        ("100 rows, json, c=2", "echo, 1 worker", 0),
    ]
    assert lines[1].ratio == 1.0
    assert "1.00  >= 0.8  met" in render(lines)


def test_compiled_trees_are_waited_for_and_compared_too(servers: list[Contender]) -> None:
    wait_until(servers[1].ready, servers[1].called)
    cell = Cell("csv", 100, 8)
    called: dict[Name, str] = {"SageMaker": "peer", "ours": "ours", "ours, compiled": "compiled"}
    found: dict[Name, Figures] = {"SageMaker": SLOW, "ours": SLOW, "ours, compiled": FAST}
    of_peer = [line for line in compared(cell, called, found) if line.name == "SageMaker"]
    assert [(line.called, line.ratio, line.cells()[-1]) for line in of_peer] == [
        ("peer", 1.0, "not met"),
        ("  beside compiled", 8.0, "met"),
    ]


def test_a_wrong_answer_is_found_before_the_load(servers: list[Contender], artifact: Path) -> None:
    questions = Questions.read(artifact)
    questions.scores[0] += 1e-6
    with pytest.raises(BenchmarkFailed, match="ours, 1 worker answers scores"):
        check_answers(servers, questions)


def test_a_server_that_fails_is_left_out_and_named(artifact: Path, tmp_path: Path) -> None:
    server = echo(sys.executable)
    broken = replace(server, called="broken", server=Server(free_port(), [NO_LUCK]))
    sizes = Sizes([Cell("csv", 1, 1)], rounds=1)
    questions = Questions.read(artifact)
    lines = measured([broken, server], questions, EachBodyOnce(), sizes, tmp_path)
    assert [line.called for line in lines] == ["own echo, 1 worker"]
    said = report(lines, Row("start", "s"), ["broken"])
    assert said.endswith("failed, see above: broken")


def test_a_start_is_timed_beside_the_import(artifact: Path, tmp_path: Path) -> None:
    questions = Questions.read(artifact)
    row = first_answer(sys.executable, artifact, questions, tmp_path, workers=1, rounds=1)
    assert row.ours and row.baseline and row.met is not None
