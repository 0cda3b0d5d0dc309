"""The report: whole, self-contained, well-formed and silent about persons, for every task."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.metrics import Task
from sagemaker_jobs.report.context import ReportContext
from sagemaker_jobs.report.write import render, write_report

from .examples import CLASSES, Answers, Names, Rows, report_of
from .pages import check, shown

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")

CURVES = {
    "binary": (
        "ROC curve",
        "Precision and recall",
        "Calibration",
        "Scores by outcome",
        "Decisions at the threshold",
        "Swap set",
    ),
    "multiclass": ("Decisions", "ROC curve, each class", "Every class", "Recall of each class"),
    "regression": ("Predicted and actual", "Residuals", "Rows within an error"),
}
CHAPTERS = (
    "verdict",
    "figures",
    "curves",
    "importance",
    "slices",
    "fairness",
    "leakage",
    "drift",
    "data",
    "tuning",
    "lineage",
)

SAID = (
    "Reference v1",
    "Model SHA-256",
    "advisory",
    "its judged twin was compared",
    "Against the reference model, on 4,000 rows",
    "jobs_default_rate as of 202610",
    "dropforge reproduce loans VERSION",
)


@pytest.mark.parametrize("task", TASKS)
def test_a_whole_report_has_every_chapter(task: Task) -> None:
    page = render(report_of(task))
    found = check(page)
    assert [name for name in found.ids if not name.endswith("-title")] == list(CHAPTERS)
    assert found.targets == list(CHAPTERS)
    text = shown(page)
    for word in (*CURVES[task], "Champion v4", *SAID):
        assert word in text, word


@pytest.mark.parametrize("task", TASKS)
def test_a_bare_report_says_what_it_lacks(task: Task) -> None:
    page = render(report_of(task, whole=False))
    found = check(page)
    text = shown(page)
    assert "there is no champion yet" in text
    assert "no champion's baseline" in text
    assert not {"importance", "slices", "data", "tuning"} & set(found.ids)
    assert "reference" not in text.lower()


@pytest.mark.parametrize("task", TASKS)
def test_the_verdict_comes_first_and_says_why(task: Task) -> None:
    page = render(report_of(task))
    head = page[: page.index('id="figures"')]
    assert "PROMOTE" in head
    assert "better than the current model on rows that neither had seen" in head
    for outcome in ("✓", "✕", "not assessed"):
        assert outcome in head
    assert "This holdout has judged 2 models before" in head
    assert "fitted once more on all rows" in head


def test_a_report_is_small_and_the_same_each_time() -> None:
    report = report_of("binary")
    page = render(report)
    assert len(page.encode()) < 1_500_000
    assert page == render(report_of("binary"))


def test_a_report_is_written_as_utf_8(tmp_path: Path) -> None:
    report = report_of("binary", names=Names(value="Łódź"))
    write_report(tmp_path / "report.html", report)
    assert "Łódź" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
def test_no_value_of_a_person_is_shown(task: Task) -> None:
    text = shown(render(report_of(task)))
    assert "Zebulon" not in text
    assert "L000001" not in text
    assert "person = value" in text  # the slice is listed, its value is not


def test_what_few_rows_have_is_not_shown() -> None:
    text = shown(render(report_of("binary")))
    assert "hermit" not in text
    assert "islet" not in text
    assert "1 group of fewer than 5 rows, 2 rows together" in text


def test_a_protected_personal_column_keeps_its_groups_apart_without_naming_them() -> None:
    report = report_of("binary")
    spec = report.spec.model_copy(update={"personal": ["person", "sex"]})
    text = shown(render(replace(report, spec=spec)))
    for number in (1, 2, 3):
        assert f"value {number}, not shown" in text


def test_a_failed_comparison_is_said() -> None:
    report = report_of("binary", whole=False)
    evaluation = report.evaluation.model_copy(
        update={"champion_problem": "model.txt is missing.", "reference_problem": "is gone."}
    )
    text = shown(render(replace(report, evaluation=evaluation)))
    assert "No comparison with the champion: model.txt is missing." in text
    assert "No comparison with the reference model: is gone." in text


@pytest.mark.parametrize("mode", ["advisory", "off"])
def test_a_mode_that_does_not_enforce_is_marked(mode: str) -> None:
    report = report_of("binary")
    verdict = report.verdict.model_copy(update={"mode": mode})
    words = {"advisory": "advisory mode", "off": "rules are off"}
    assert words[mode] in render(replace(report, verdict=verdict))


def test_warm_started_trials_are_marked() -> None:
    report = report_of("binary")
    assert "20 parameter sets tried, 1 of them from earlier runs" in render(report)
    few = {**report.lineage, "trials": report.lineage["trials"][:3]}
    page = render(replace(report, lineage=few))
    assert page.count("<span class=tag>earlier</span>") == 1
    assert "1 <span class=tag>earlier</span>" in page  # trial number 1
    marked = [{**trial, "warm_start": True} for trial in few["trials"]]
    page = render(replace(report, lineage={**few, "trials": marked}))
    assert page.count("<span class=tag>earlier</span>") == 3


def test_drifted_columns_are_drawn_from_the_baseline() -> None:
    report = report_of("binary")
    table = report.context.train
    baseline = {
        "columns": {
            "income": {
                "kind": "number",
                "edges": [1e4, 2e4, 3e4],
                "counts": [9, 20, 30, 5],
                "missing": 7,
            }
        }
    }
    context = replace(report.context, holdout=table, baseline=baseline)
    text = shown(render(replace(report, context=context)))
    assert "Shares of the rows in the bins of income" in text
    hidden = report.spec.model_copy(update={"personal": ["income"]})
    text = shown(render(replace(report, context=context, spec=hidden)))
    assert "Shares of the rows in the bins" not in text


@pytest.mark.parametrize("classes", [3, 25])
def test_any_number_of_classes_is_drawn(classes: int) -> None:
    names = [f"class {n}" for n in range(classes)]
    report = report_of("multiclass", names=Names(classes=names))
    rng = np.random.default_rng(1)
    labels = rng.integers(0, classes, 300).astype(np.float64)
    scores = rng.dirichlet(np.ones(classes), 300)
    answers = Answers("run-7", scores, scores.argmax(axis=1))
    bare = replace(report, judged=Rows(labels, answers), context=ReportContext())
    text = shown(render(bare))
    assert "class 0" in text
    assert ("others" in text) == (classes > 20)


@pytest.mark.parametrize("task", TASKS)
def test_constant_scores_and_one_outcome_are_drawn(task: Task) -> None:
    report = report_of(task, whole=False)
    labels = np.zeros(60)
    scores = np.full((60, len(CLASSES)), 0.25) if task == "multiclass" else np.full(60, 0.25)
    decisions = None if task == "regression" else np.zeros(60, dtype=np.int8)
    judged = Rows(labels, Answers("run-7", scores, decisions))
    check(render(replace(report, judged=judged)))


NASTY = st.one_of(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "' onload='x",
            "a & b &lt;",
            "</svg></title>",
            "]]>",
            "https://example.com/x.js",
            "Spaltenname mit Ümläuten und sehr viel Text " * 4,
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40),
)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(TASKS), NASTY, NASTY, NASTY)
def test_no_name_breaks_out_of_its_place(task: Task, column: str, value: str, target: str) -> None:
    names = Names(column, value, f"t{target}", [f"{target}{n}" for n in range(len(CLASSES))])
    page = render(report_of(task, names=names))
    found = check(page)  # no tag, attribute or link that was not ours
    assert found.tags.count("script") == 0
    assert column in shown(page)
