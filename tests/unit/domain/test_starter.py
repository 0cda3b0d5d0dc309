"""What `init` guesses from a first look, and the files that it writes from it."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dropforge.contract import ColumnType
from dropforge.errors import InvalidProject
from dropforge.metrics import Task
from dropforge.project_folder import load_project
from dropforge.starter import FirstLook, Prediction, guess_period, guess_prediction
from dropforge.starter_files import reading_lines, starter_files


@pytest.mark.parametrize(
    ("outcomes", "task", "positive", "found"),
    [
        ({"Yes": 9, "No": 1}, None, None, Prediction("binary", "Yes")),
        ({"0": 3, "1": 9}, None, None, Prediction("binary", "1")),
        ({"true": 3, "false": 2}, None, None, Prediction("binary", "true")),
        ({"x": 9, "y": 3}, None, None, Prediction("binary", "y")),
        ({"x": 9, "y": 3}, None, "x", Prediction("binary", "x")),
        ({"c": 1, "b": 1, "a": 1}, None, None, Prediction("multiclass", classes=("a", "b", "c"))),
        ({"10": 1, "9": 1, "2": 1}, None, None, Prediction("multiclass", classes=("2", "9", "10"))),
        ({"0.5": 1, "2": 1, "3": 1}, None, None, Prediction("regression")),
        ({str(n): 1 for n in range(21)}, None, None, Prediction("regression")),
        ({"1": 1, "2": 1, "3": 1}, "regression", None, Prediction("regression")),
    ],
)
def test_outcomes_speak_for_a_task(
    outcomes: dict[str, int], task: Task | None, positive: str | None, found: Prediction
) -> None:
    assert guess_prediction(outcomes, "y", task=task, positive=positive) == found


@pytest.mark.parametrize(
    ("outcomes", "task", "positive", "message"),
    [
        ({}, None, None, "no row has an outcome"),
        ({"1": 5}, None, None, "every outcome is the same"),
        ({"a": 1, "b": 1}, "regression", None, "needs numbers"),
        ({"a": 1, "b": 1}, "multiclass", None, "needs 3 to 100 outcomes, y has 2"),
        ({str(n): 1 for n in range(101)}, "multiclass", None, "y has 101"),
        ({"a": 1, "b": 1, "c": 1}, None, "a", "needs two outcomes, y has 3"),
        ({"a": 1, "b": 1, "c": 1}, "binary", None, "needs two outcomes, y has 3"),
        ({"a": 1, "b": 1}, None, "c", "No row has c in y: there are a and b"),
        ({f"name {n}": 1 for n in range(30)}, None, None, "30 different texts"),
    ],
)
def test_outcomes_that_fit_no_task(
    outcomes: dict[str, int], task: Task | None, positive: str | None, message: str
) -> None:
    with pytest.raises(InvalidProject, match=message):
        guess_prediction(outcomes, "y", task=task, positive=positive)


def test_a_period_is_guessed_from_the_name() -> None:
    assert [guess_period(name) for name in ("initial", "customers", "202010", "20201001")] == [
        "month"
    ] * 4
    assert guess_period("2020-10-17") == "day"


def test_how_files_are_written_is_said_if_unusual() -> None:
    assert reading_lines("utf-8", None, ".") == ""
    lines = yaml.safe_load(reading_lines("latin-1", ";", ","))
    assert lines == {"encoding": "latin-1", "delimiter": ";", "decimal": ","}


def test_dates_constants_and_names_are_not_given_to_the_model(tmp_path: Path) -> None:
    look = FirstLook(
        rows=30,
        kinds={
            "id": "string",
            "y": "string",
            "age": "number",
            "day": "date",
            "mail": "string",
            "one": "number",
            "city": "string",
        },
        missing={"age": 0, "day": 2},
        seen={"age": (18, 99), "mail": ("a", "b")},
        outcomes={"0": 20, "1": 10},
        identifying=["mail"],
        constant=["one"],
    )
    predicts = Prediction("binary", "1")
    files = starter_files("new", look, id="id", target="y", predicts=predicts, period="month")
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    spec = load_project(tmp_path)
    assert spec.features.selected == ["age", "city"]
    assert spec.features.groups["dates"] == ["day"]
    assert spec.positive == 1
    assert spec.contract is not None
    assert spec.contract.columns["mail"].role == "ignored"
    assert spec.personal_columns == ["id"]
    assert "# seen: 18 to 99" in files["contract.yml"] and "seen: a" not in files["contract.yml"]
    assert "33.3% of the rows" in files["project.yml"]
    assert "day: [days_before_period" in files["features.yml"]
    with pytest.raises(InvalidProject, match="No column is left for the model"):
        kinds: dict[str, ColumnType] = {"id": "string", "y": "string", "day": "date"}
        only = FirstLook(rows=9, kinds=kinds, outcomes=look.outcomes)
        starter_files("new", only, id="id", target="y", predicts=predicts, period="month")


NAMES = st.text(alphabet="abcÄ :#-?'\"{}[],&*!|>%@`1 \\", min_size=1, max_size=12).filter(
    lambda name: name == name.strip()
)
OUTCOMES = st.one_of(
    st.sampled_from(
        [{"Yes": 3, "No": 5}, {"null": 1, "~": 2}, {"1.5": 1, "2": 4}, {"- a": 1, "b: c": 2}]
    ),
    st.just({"on": 3, "off": 4, "no": 9}),
    st.just({str(n / 2): 1 for n in range(40)}),
)


@settings(max_examples=150)
@given(
    names=st.lists(
        NAMES | st.sampled_from(["no", "null", "2020", "1e3", "=", "<<"]),
        min_size=3,
        max_size=6,
        unique=True,
    ),
    kinds=st.lists(
        st.sampled_from(["string", "number", "boolean", "integer"]), min_size=6, max_size=6
    ),
    outcomes=OUTCOMES,
)
def test_whatever_columns_are_called_the_project_is_valid(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    kinds: list[ColumnType],
    outcomes: dict[str, int],
) -> None:
    folder = tmp_path_factory.mktemp("project")
    look = FirstLook(
        rows=9, kinds=dict(zip(names, kinds, strict=False)), outcomes=outcomes, missing={}
    )
    predicts = guess_prediction(outcomes, names[1], task=None, positive=None)
    files = starter_files(
        "new", look, id=names[0], target=names[1], predicts=predicts, period="day"
    )
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    spec = load_project(folder)
    assert (spec.id, spec.target, spec.task) == (names[0], names[1], predicts.task)
    assert sorted(spec.features.selected) == sorted(names[2:])
    assert spec.contract is not None and list(spec.contract.columns) == names
