"""The model card, for every task."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.metrics import METRIC_NAMES, TASK_METRICS, Task
from dropforge.project import Card
from sagemaker_jobs.report.card import render, write_card
from sagemaker_jobs.report.markdown import code, table, text

from .examples import report_of

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
CHAPTERS = ("Intended use", "Data", "Figures", "Fairness", "Limits", "Make it again, or go back")


def card_of(task: Task, *, whole: bool = True) -> str:
    report = report_of(task, whole=whole)
    return render(report.spec, report.evaluation, report.lineage)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_a_card_has_its_chapters_and_every_metric(task: Task, whole: bool) -> None:
    card = card_of(task, whole=whole)
    for chapter in CHAPTERS:
        assert f"\n## {chapter}\n" in card
    for metric in TASK_METRICS[task]:
        assert f"| {METRIC_NAMES[metric]} | " in card


def test_a_card_says_what_the_project_says_and_what_was_found() -> None:
    card = card_of("binary")
    for words in (
        "Ranks loan applications for a second look by a person.",
        "Owner: Risk team.",
        "Predicts `default` = `1` for one `loan_id` a row.",
        "Learnt from 90,000 rows of 202501 to 202601 (13 periods)",
        "fitted once more on all rows",
        "demographic parity ratio 0.860 (0.810 to 0.910), equal opportunity 0.860",
        "(the column is also a feature)",
        "- Not meant for companies.",
        "Too few rows to judge fairness for sex: north, hermit.",
        "A category that training has not seen",
        "Drifted against the rows that the champion learnt from: `income`.",
        "recoveries is filled in only where the outcome is known.",
        "`dropforge reproduce loans VERSION`",
        "`dropforge rollback loans`",
    ):
        assert words in card, words


def test_a_card_names_what_is_predicted() -> None:
    assert "Predicts which of `rent`, `own`, `mortgage`, `other` `default` is" in card_of(
        "multiclass"
    )
    assert "Predicts the value of `default`" in card_of("regression")
    assert "Not measured: the project makes no yes-or-no decision." in card_of("regression")


def test_a_card_without_the_projects_words_says_so() -> None:
    report = report_of("binary", whole=False)
    spec = report.spec.model_copy(update={"card": Card()})
    card = render(spec, report.evaluation, report.lineage)
    assert "The project states no purpose." in card
    assert "No owner is named." in card
    assert "No protected column is named in the project." in card


def test_a_card_names_no_person() -> None:
    card = card_of("binary")
    assert "Zebulon" not in card
    assert "person = value" in card


def test_the_card_is_in_the_artifact(tmp_path: Path) -> None:
    report = report_of("binary")
    write_card(tmp_path, report.spec, report.evaluation, report.lineage)
    written = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert written == card_of("binary")


@given(st.text(max_size=60))
def test_no_text_is_markup_or_ends_its_line(value: str) -> None:
    plain = text(value)
    assert len(plain.splitlines()) <= 1
    assert "<" not in plain
    assert all(plain[at - 1] == "\\" for at in range(len(plain)) if plain[at] in "|*`[")
    inside = code(value)[1:-1]
    assert "`" not in inside
    assert "|" not in inside
    assert len(table([plain], [[code(value)]]).splitlines()) == 3
