"""The demo's parts: the split of one table, and what counts as a complete demo."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from dropforge.cli.demo import ending
from dropforge.cli.demo.command import EXAMPLE_MONTH
from dropforge.cli.demo.files import DemoFile, split
from dropforge.cli.demo.scenario import Agreement, DemoRun
from dropforge.cli.folders import read_project
from dropforge.cli.generate import example_source
from dropforge.cli.runs import RunLine
from dropforge.errors import UnreadableFile
from dropforge.runs import RunStory


def table(path: Path, rows: int) -> Path:
    lines = [f'{n},{n % 2},"two\nlines {n}"' for n in range(rows)]
    path.write_text("id,y,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_last_four_months_are_cut_off_and_the_newest_has_no_target(tmp_path: Path) -> None:
    files = split(table(tmp_path / "all.csv", 100), tmp_path / "files", "y", 10)
    assert [(f.name, f.rows, f.kind) for f in files] == [
        ("initial.csv", 60, "history"),
        ("20201001.csv", 10, "labelled"),
        ("20201101.csv", 10, "labelled"),
        ("20201201.csv", 10, "labelled"),
        ("20210101.csv", 10, "unlabelled"),
    ]
    rows = [row for file in files for row in read(file.path)]
    assert [row["id"] for row in rows] == [str(n) for n in range(100)]
    assert rows[99] == {"id": "99", "text": "two\nlines 99"}
    assert rows[89] == {"id": "89", "y": "1", "text": "two\nlines 89"}


def test_a_small_file_is_cut_into_eighths(tmp_path: Path) -> None:
    files = split(table(tmp_path / "all.csv", 83), tmp_path / "files", "y", 10_000)
    assert [file.rows for file in files] == [43, 10, 10, 10, 10]


def test_home_credit_is_cut_as_its_example(tmp_path: Path) -> None:
    data = tmp_path / "application_train.csv"
    example_source("home_credit").write(data, 800, 42)
    _, spec = read_project("home_credit")
    files = split(data, tmp_path / "files", spec.target, 100)
    assert [file.rows for file in files] == [400, 100, 100, 100, 100]
    assert len(read(files[0].path)[0]) == 122
    assert "TARGET" not in read(files[-1].path)[0]


@pytest.mark.parametrize(
    ("rows", "target", "said"), [(7, "y", "too few"), (100, "churn", "no column churn")]
)
def test_a_table_that_cannot_be_split(tmp_path: Path, rows: int, target: str, said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        split(table(tmp_path / "all.csv", rows), tmp_path / "files", target, 10)


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="Nothing was changed"):
        split(tmp_path / "none.csv", tmp_path / "files", "y", 10)


def test_the_example_has_enough_positives_to_judge(tmp_path: Path) -> None:
    _, spec = read_project("churn")
    data = tmp_path / "churn.csv"
    example_source("churn").write(data, None, 42)
    for file in split(data, tmp_path / "files", spec.target, EXAMPLE_MONTH)[1:-1]:
        positives = sum(row[spec.target] == spec.positive for row in read(file.path))
        assert positives >= 1.5 * spec.promotion.min_positives


def test_next_commands_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called = tmp_path / ".venv" / "bin" / "dropforge"
    called.parent.mkdir(parents=True)
    called.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/dropforge", "demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert ending.program() == ".venv/bin/dropforge"
    monkeypatch.setenv("PATH", str(called.parent))
    assert ending.program() == "dropforge"


# What is missing ------------------------------------------------------------------------------


class Shown:
    """As much of a Scenario as the ending reads: a complete demo, to be broken by a test."""

    def __init__(self, tmp_path: Path) -> None:
        self.files = [
            DemoFile(tmp_path / "initial.csv", "history", 60),
            DemoFile(tmp_path / "20201001.csv", "labelled", 10),
            DemoFile(tmp_path / "20210101.csv", "unlabelled", 10),
        ]
        self.agreement: Agreement | None = Agreement(10, 10)
        self.runs = [
            run(self.files[0], deployment=True),
            run(self.files[1], comparison=True),
            run(self.files[2], scored=10),
        ]


def run(file: DemoFile, **story: Any) -> DemoRun:
    line = RunLine("r", "churn", "2026-01-31", "8 s", story.pop("status", "SUCCEEDED"), [], "-")
    return DemoRun(
        file=file,
        state=story.pop("state", "accepted"),
        line=line,
        story=make_story(**story),
        champion="1",
        mailed=True,
        predictions=None,
    )


def make_story(
    deployment: bool = False, comparison: bool = False, scored: int | None = None
) -> RunStory:
    from ..domain.figures import evaluation, model

    document: dict[str, Any] = {
        "project": "churn", "project_version": "v", "run": "r", "stage": "dev",
        "region": "us-east-1", "lake": "lake",
        "started_at": "2026-01-31T00:00:00Z", "ended_at": "2026-01-31T00:00:08Z",
    }  # fmt: skip
    if deployment:
        document["deployment"] = {
            "project": "churn", "run": "r", "version": "1", "action": "created"
        }  # fmt: skip
    if comparison:
        difference = {"value": 0.01, "low": -0.01, "high": 0.03}
        figures = evaluation(
            champion=model(0.79, "1"),
            comparison={
                "metric": "auc", "confidence": 0.9, "lower": -0.002,
                "differences": {"auc": difference}, "flagged_difference": 0.0,
                "decisions_changed": 3, "rows": 10, "resamples": 500,
            },
        )  # fmt: skip
        document["evaluation"] = json.loads(figures.model_dump_json())
    if scored is not None:
        drop = {
            "drop": "d", "key": "churn/20210101.csv", "name": "20210101.csv", "period": "202101",
            "rows": scored, "flagged": 1, "mean_score": 0.2, "predictions_uri": "s3://lake/p.csv",
        }  # fmt: skip
        document["scored"] = {
            "project": "churn", "run": "r", "model_version": "1", "drops": [drop]
        }  # fmt: skip
    return RunStory.model_validate(document)


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    return Shown(tmp_path)


def missing(shown: Shown) -> list[str]:
    return ending.missing(shown, shown.files)  # type: ignore[arg-type]


def test_a_complete_demo_misses_nothing(shown: Shown) -> None:
    assert missing(shown) == []


def test_no_promoted_model(shown: Shown) -> None:
    shown.runs[0] = run(shown.files[0])
    assert missing(shown) == ["no model was promoted and deployed"]


def test_no_comparison(shown: Shown) -> None:
    shown.runs[1] = run(shown.files[1])
    assert "compared with a champion" in missing(shown)[0]


def test_a_failed_run_and_a_lost_file(shown: Shown) -> None:
    shown.runs[1] = run(shown.files[1], comparison=True, status="FAILED", state="failed")
    assert missing(shown) == ["run r ended FAILED", "20201001.csv is failed, not accepted"]
    del shown.runs[1]
    assert "20201001.csv was settled by no run" in missing(shown)


def test_predictions_short_of_rows(shown: Shown) -> None:
    shown.runs[2] = run(shown.files[2], scored=9)
    assert missing(shown) == ["9 predictions for the 10 rows of 20210101.csv"]


@pytest.mark.parametrize(
    ("agreement", "said"),
    [(None, "was not asked"), (Agreement(10, 9), "1 of 10 answers of the endpoint are not")],
)
def test_an_endpoint_that_answers_otherwise(
    shown: Shown, agreement: Agreement | None, said: str
) -> None:
    shown.agreement = agreement
    (problem,) = missing(shown)
    assert said in problem
