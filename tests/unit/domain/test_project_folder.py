"""Mistakes in a project's files: each is found at load time, at its file, line and column."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from dropforge.contract import ContractSpec
from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec
from dropforge.project import ProjectSpec, parse_project
from dropforge.project_folder import load_project

PROJECT = "name: loans\ntarget: bad\nid: key\n"
FEATURES = "keep: [age, city]\n"
CONTRACT = """\
columns:
  key: {type: string, role: id}
  bad: {type: string, role: target}
  age: {type: integer}
  pay: {type: number}
  city: {type: string}
  opened: {type: date}
  member: {type: boolean}
  secret: {type: string, role: ignored}
"""

Load = Callable[..., ProjectSpec]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write files by name (`features` is features.yml) and load them."""

    def write(**files: str) -> ProjectSpec:
        names = {"project": "project.yml", "features": "features.yml", "contract": "contract.yml"}
        names |= {"mappings": "feature_mappings.yml", "python": "features.py"}
        names |= {"selection": "feature_selection_config.yml"}
        for key, text in files.items():
            (tmp_path / names[key]).write_text(text, encoding="utf-8")
        return load_project(tmp_path)

    return write


def problems(load: Load, folder: Path, **files: str) -> list[str]:
    with pytest.raises(InvalidProject) as error:
        load(**files)
    assert error.value.next_command is None or "then push" in error.value.next_command
    return error.value.message.replace(f"{folder}/", "").split("\n")


@pytest.mark.parametrize(
    ("features", "found"),
    [
        ("keep: [age, citi]", "1:13: keep.1: the contract has no column citi"),
        ("keep: [age, City]", "keep.1: the contract has no column City (there is city"),
        ("groups: {g: [age, x]}", "1:19: groups.g.1: the contract has no column x"),
        ("keep: [age, secret]", "1:13: keep.1: the contract has no column secret"),
        ("keep: [age, bad]", "1:13: keep.1: 'bad' is the target or the id"),
        ("groups:\n  g: [age, key]", "2:12: groups.g.1: 'key' is the target or the id"),
        ("keep: [age]\nderive:\n  r: bad / pay", "3:6: derive.r: bad is the target"),
        (
            "keep: [age]\nderive:\n  r: pay / age + mony",
            "3:18: derive.r: character 13: there is no",
        ),
        ("keep: [age]\nderive:\n  r: 'pay / agee'", "3:13: derive.r: character 7: there is no"),
        ("keep: [age]\nderive:\n  r: >\n    pay /\n    agee", "3:6: derive.r: character 7: there"),
        ("keep: [age]\nderive: {r: city + 1}", "2:13: derive.r: character 1: city is text"),
        ("keep: [age]\nderive: {r: key + 1}", "2:13: derive.r: key is the id"),
        ("keep: [age]\nderive: {r: _label + 1}", "2:13: derive.r: _label: names that begin with _"),
        ("keep: [age]\nderive: {r: (pay}", "2:13: derive.r: character 1: '(' was never closed"),
        ("keep: [age]\nderive: {p: q, q: p}", "2:13: derive.p: p, q are derived from each other"),
        ("keep: [age]\nderive: {p: p + 1}", "2:13: derive.p: is derived of itself"),
        ("keep: [age]\nderive: {pay: age}", "2:10: derive.pay: the file has a column pay"),
        ("keep: [age]\nderive: {_r: age}", "2:10: derive._r: _r: names that begin with _"),
        ("groups: {g: [age]}\nderive: {g: pay}", "2:10: derive.g: g is a group"),
        ("keep: [age]\ndates: {pay: [month]}", "2:14: dates.pay: pay is of type number, not date"),
        ("keep: [age]\ndates: {opend: [month]}", "2:16: dates.opend: the contract has no column"),
        ("keep: [age]\ndates: {opened: [moon]}", "2:18: dates.opened.0: Input should be"),
        ("keep: [age]\ndates: {opened: []}", "2:17: dates.opened: names no part"),
        (
            "keep: [age]\ndates: {opened: [month]}\nderive: {opened_month: age}",
            "3:10: derive.opened_month: opened_month is a date part already",
        ),
        (
            "keep: [age]\naggregates: {a: {by: town, statistic: count}}",
            "2:22: aggregates.a.by: the contract has no column town",
        ),
        (
            "keep: [age]\naggregates: {a: {by: city, statistic: mean, column: city}}",
            "2:53: aggregates.a.column: city is of type string",
        ),
        (
            "keep: [age]\naggregates: {a: {by: city, statistic: mean}}",
            "2:17: aggregates.a: statistic mean needs a column",
        ),
        (
            "keep: [age]\naggregates: {a: {by: city, statistic: mean, column: bad}}",
            "2:53: aggregates.a.column: bad is the target",
        ),
        (
            "keep: [age]\naggregates: {a: {by: key, statistic: count}}\nderive: {r: a + 1}",
            "3:13: derive.r: a comes after derived features",
        ),
        ("keep: [age]\nimpute: medain", "2:9: impute: there is no rule medain"),
        ("keep: [age]\nimpute: {default: medain}", "2:19: impute.default: there is no rule medain"),
        ("keep: [age]\nimpute: {ag: median}", "2:10: impute.ag: ag is no group, type"),
        ("keep: [age]\nimpute: {city: median}", "2:16: impute.city: median is not for type string"),
        ("keep: [age]\nimpute: {age: medain}", "2:15: impute.age: constant medain is not for type"),
        ("groups: {g: [age]}\nimpute: {g: x}", "2:13: impute.g: constant x is for no column of g"),
        ("keep: [age]\nimpute: {string: mean}", "2:18: impute.string: mean is not for type string"),
        (
            "keep: [age]\nderive: {r: pay}\nimpute: {r: 0}",
            "3:10: impute.r: r is made of columns: name those",
        ),
        ("keep: [age]\nencode: {age: one_hot}", "2:15: encode.age: is of type integer"),
        ("keep: [age]\nencode: {number: one_hot}", "2:18: encode.number: is of type number"),
        ("keep: [age]\nencode: hash", "2:9: encode: Input should be 'native', 'one_hot' or"),
        (
            "keep: [city]\nencode: {city: {one_hot: 2}}",
            "2:26: encode.city.one_hot: Input should be",
        ),
        ("keep: [city]\nencode: {city: {ordinal: [x]}}", "2:26: encode.city.ordinal: List should"),
        ("keep: [city]\nencode: {city: hash}", "2:16: encode.city: Input should be 'native'"),
        ("keep: [age]\ndrop: [age, pay, x]", "2:13: drop.1: pay is no group or column"),
        ("kep: [age]", "1:1: kep: there is no such key"),
        ("keep: age", "1:7: keep: Input should be a valid list"),
        ("keep: [age, no]", "1:13: keep.1: must be a text: put it in quotes"),
        ("keep: [age]\nkeep: [pay]", "2:1: keep: is there twice (first in line 1)."),
        ("keep: [age", "2:1: is not YAML: expected ',' or ']'"),
        ("keep: &a [*a]", "1:7: keep.0: refers to itself."),
    ],
)
def test_a_mistake_in_the_features(load: Load, tmp_path: Path, features: str, found: str) -> None:
    said = problems(load, tmp_path, project=PROJECT, features=features + "\n", contract=CONTRACT)
    assert said[0].startswith("features.yml:") and found in said[0], said


@pytest.mark.parametrize(
    "features",
    [
        "keep: [age]\nderive: {p: q + 1, q: p}",
        "keep: [age]\nderive: {p: f(age)}",
        "keep: [age]\nderive: {p: age +}",
        "keep: [age]\nderive: {p: _period + 1}",
        "dates: {age: [month]}\nderive: {age: pay}",
        "keep: [age]\nderive: {p: bad}",
        "keep: [age]\nimpute: {ag: 0}",
        "keep: [age]\nimpute: medain",
    ],
)
def test_what_needs_no_contract_is_found_without_one(
    load: Load, tmp_path: Path, features: str
) -> None:
    (said,) = {
        line.split(":")[0] for line in problems(load, tmp_path, project=PROJECT, features=features)
    }
    assert said == "features.yml"


def test_what_needs_a_contract_is_left_to_the_first_file_without_one(load: Load) -> None:
    spec = load(project=PROJECT, features="keep: [anything]\nderive: {r: what / ever}\n")
    assert spec.features.source_columns == ["anything", "what", "ever"]


@pytest.mark.parametrize(
    ("project", "found"),
    [
        ("slices: [age, citi]", "4:15: slices.1: the contract has no column citi"),
        ("slices: [bad]", "4:10: slices.0: bad is the id or the target"),
        ("protected: [Member]", "4:13: protected.0: the contract has no column Member (there is"),
        ("group: house", "4:8: group: the contract has no column house"),
        ("personal: [name]", "4:12: personal.0: the contract has no column name"),
        (
            "favourable: 0\npromotion:\n  fairness:\n    sex: {demographic_parity: 0.8}",
            "7:10: promotion.fairness.sex: the contract has no column sex",
        ),
        (
            "promotion: {fairness: {city: {demographic_parity: 0.8}}}",
            "4:23: promotion.fairness: needs",
        ),
        ("promotion: {min: {rmse: 1}}", "4:25: promotion.min.rmse: rmse is not of task binary"),
        ("metric: rmse", "4:9: metric: rmse is not of task binary"),
        ("task: regression\nthreshold: {recall: 0.5}", "5:1: threshold: is for task binary"),
        ("task: regression\npositive: 1", "5:1: positive: is for task binary"),
        ("task: regression\ncalibration: sigmoid", "5:14: calibration: is for task binary"),
        ("classes: [1, 2, 3]", "4:10: classes: is for task multiclass"),
        ("task: multiclass\nclasses: [1, 2]", "5:10: classes: task multiclass needs three"),
        ("task: multiclass\nclasses: [1, 2, 1]", "5:10: classes: 1 is there twice"),
        ("tune: {trails: 4}", "4:8: tune.trails: there is no such key"),
        ("tune:\n  trials: many", "5:11: tune.trials: Input should be a valid integer"),
        ("threshold: {recall: 0.5, cost: {false_positive: 1}}", "4:26: threshold.cost: false_neg"),
    ],
)
def test_a_mistake_in_the_project(load: Load, tmp_path: Path, project: str, found: str) -> None:
    text = f"{PROJECT}{project}\n"
    said = problems(load, tmp_path, project=text, features=FEATURES, contract=CONTRACT)
    assert said[0].startswith(f"project.yml:{found}".split(": ")[0]) and found in said[0], said


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("age: {type: integer}", "age: {type: int}", "4:15: columns.age.type: Input should be"),
        (
            "age: {type: integer}",
            "age: {tpe: integer}",
            "4:9: columns.age.tpe: there is no such key",
        ),
        (
            "age: {type: integer}",
            "age: {type: integer, min: 5, max: 1}",
            "4:8: columns.age: min (5)",
        ),
        ("role: target", "role: id", "3:29: columns.bad.role: id of project.yml is key"),
        ("role: id", "role: ignored", "2:29: columns.key.role: key is needed by project.yml"),
        (
            "{type: date}",
            "{type: date, role: group}",
            "7:30: columns.opened.role: group of project",
        ),
    ],
)
def test_a_mistake_in_the_contract(
    load: Load, tmp_path: Path, old: str, new: str, found: str
) -> None:
    contract = CONTRACT.replace(old, new, 1)
    said = problems(load, tmp_path, project=PROJECT, features=FEATURES, contract=contract)
    assert any(line.startswith("contract.yml:") and found in line for line in said), said


def test_a_rule_and_a_unique_of_the_contract_have_their_place(load: Load, tmp_path: Path) -> None:
    rules = "rules:\n  - name: grown\n    expr: age > 17 and agee < 3\n"
    (said,) = problems(
        load, tmp_path, project=PROJECT, features=FEATURES, contract=CONTRACT + rules
    )
    assert said.startswith("contract.yml:12:24: rules.0.expr: rule 'grown'")
    unique = "unique:\n  - columns: [age, town]\n"
    (said,) = problems(
        load, tmp_path, project=PROJECT, features=FEATURES, contract=CONTRACT + unique
    )
    assert said.startswith("contract.yml:11:20: unique.0.columns.1: unique names a column")


def test_every_mistake_is_said_at_once_in_the_files_order(load: Load, tmp_path: Path) -> None:
    features = "keep: [age, a]\nderive:\n  r: b + 1\nimpute: {c: 0}\n"
    project = PROJECT + "slices: [d]\n"
    said = problems(load, tmp_path, project=project, features=features, contract=CONTRACT)
    assert [line.split(": ")[0] for line in said] == [
        "features.yml:1:13",
        "features.yml:3:6",
        "features.yml:4:10",
        "project.yml:4:10",
    ]
    said = problems(load, tmp_path, project="nme: x\ntask: what\n", features=FEATURES)
    assert [line.split(": ")[0] for line in said][0] == "project.yml:1:1"
    assert {"project.yml:1:1: name is missing", "project.yml:1:1: id is missing"} < set(said)


def test_text_that_is_not_utf8_is_named_with_its_line(load: Load, tmp_path: Path) -> None:
    (tmp_path / "features.yml").write_bytes(b"keep:\n  - \xfc\n")
    with pytest.raises(InvalidProject, match=r"features\.yml:2:1: is not UTF-8"):
        load(project=PROJECT)


MAPPINGS = {
    "a mapping": "account: [age, pay]\nplace: [city]\n",
    "under groups": "groups:\n  account: [age, pay]\n  place: [city]\n",
    "a list": "- {name: account, columns: [age, pay]}\n- {name: place, columns: [city]}\n",
}
SELECTIONS = {
    "keep and drop": "keep: [account]\ndrop: [pay]\n",
    "features": "features: [account]\ndrop: [pay]\n",
    "switches": "account: true\nplace: false\ndrop: [pay]\n",
    "switches under groups": "groups: {account: true, place: false}\ndrop: [pay]\n",
}


@pytest.mark.parametrize("mappings", MAPPINGS)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_two_files_say_what_one_does(load: Load, mappings: str, selection: str) -> None:
    more = "impute: {account: median}\nderive: {r: pay / age}\n"
    spec = load(
        project=PROJECT,
        mappings=MAPPINGS[mappings],
        selection=SELECTIONS[selection] + more,
        contract=CONTRACT,
    )
    assert spec.features.groups == {"account": ["age", "pay"], "place": ["city"]}
    assert spec.features.model_columns == ["age", "r"]
    assert spec.features.impute_rule("age", "integer") == "median"
    assert set(spec.files) == {
        "project.yml",
        "contract.yml",
        "feature_mappings.yml",
        "feature_selection_config.yml",
    }
    assert parse_project(spec.canonical_json()) == spec


def test_switched_off_groups_leave_the_others(load: Load) -> None:
    spec = load(project=PROJECT, mappings=MAPPINGS["a list"], selection="account: false\n")
    assert spec.features.selected == ["city"]


@pytest.mark.parametrize(
    ("mappings", "selection", "found"),
    [
        ("g: [age, x]\n", "keep: [g]\n", "feature_mappings.yml:1:10: g.1: the contract"),
        (
            "- {name: g, columns: [age, x]}\n",
            "keep: [g]\n",
            "feature_mappings.yml:1:28: 0.columns.1: the contract",
        ),
        (
            "g: [age]\n",
            "features: [g, x]\n",
            "feature_selection_config.yml:1:15: features.1: the contract has no column x",
        ),
        (
            "g: [age]\n",
            "g: true\nx: true\n",
            "feature_selection_config.yml:2:4: x: the contract has no column x",
        ),
        (
            "g: [age]\n",
            "keep: [g]\nimput: mean\n",
            "feature_selection_config.yml:2:1: imput: is none",
        ),
        (
            "g: [age]\n",
            "keep: [g]\nfeatures: [g]\n",
            "feature_selection_config.yml:2:1: features: says the same as keep",
        ),
        (
            "g: [age]\n",
            "keep: [g]\nderive: {r: age / x}\n",
            "feature_selection_config.yml:2:19: derive.r: character 7",
        ),
        ("- [age]\n", "keep: [g]\n", "feature_mappings.yml:1:3: 0: an entry is {name: a group"),
        (
            "- {name: g, columns: [age]}\n- {name: g, columns: [pay]}\n",
            "keep: [g]\n",
            "feature_mappings.yml:2:4: 1.name: g is there twice",
        ),
        ("text\n", "keep: [g]\n", "feature_mappings.yml:1:1: holds no groups"),
    ],
)
def test_mistakes_in_two_files_are_named_where_they_stand(
    load: Load, tmp_path: Path, mappings: str, selection: str, found: str
) -> None:
    said = problems(
        load, tmp_path, project=PROJECT, mappings=mappings, selection=selection, contract=CONTRACT
    )
    assert said[0].startswith(found), said


def test_one_form_or_the_other(load: Load, tmp_path: Path) -> None:
    (said,) = problems(load, tmp_path, project=PROJECT, features=FEATURES, selection="keep: [g]\n")
    assert "both features.yml and feature_selection_config.yml" in said
    (tmp_path / "features.yml").unlink()
    (said,) = problems(load, tmp_path, project=PROJECT)
    assert "feature_mappings.yml cannot be read: feature_selection_config.yml needs it" in said


DECLARED = "keep: [age]\npython: {reads: [age, city, r], gives: [twice]}\nderive: {r: pay / age}\n"
PYTHON = "def features(frame):\n    return frame[['age']].rename(columns={'age': 'twice'})\n"


def test_features_py_is_one_of_the_projects_files(load: Load) -> None:
    spec = load(project=PROJECT, features=DECLARED, contract=CONTRACT, python=PYTHON)
    assert spec.files["features.py"] == PYTHON
    assert spec.features.source_columns == ["age", "pay", "city"]


@pytest.mark.parametrize(
    ("features", "python", "found"),
    [
        (
            DECLARED,
            None,
            "features.yml:2:1: python: is declared, but the folder has no features.py",
        ),
        (FEATURES, PYTHON, "features.py:1:1: features.yml does not declare it"),
        (DECLARED, "import math\n\ndef features(frame:\n", "features.py:3:1: is not Python"),
        (DECLARED, "import math\n", "features.py:1:1: has no function features(frame)"),
        (DECLARED, "\ndef features():\n    pass\n", "features.py:2:1: features takes one argument"),
        (
            DECLARED,
            "def features(a, b):\n    pass\n",
            "features.py:1:1: features takes one argument",
        ),
        (DECLARED, "def features(a, *, b):\n    pass\n", "features.py:1:1: features takes one"),
        (
            DECLARED,
            "async def features(a):\n    pass\n",
            "features.py:1:1: features must be a plain",
        ),
        (
            DECLARED.replace("city", "town"),
            PYTHON,
            "features.yml:2:23: python.reads.1: the contract has no column town",
        ),
        (
            DECLARED.replace("twice", "age"),
            PYTHON,
            "features.yml:2:18: python.reads.0: age is given by features.py itself",
        ),
        (DECLARED.replace("twice", "r"), PYTHON, "features.yml:2:41: python.gives.0: r is derived"),
        (
            DECLARED.replace("city", "key"),
            PYTHON,
            "features.yml:2:23: python.reads.1: key is the id",
        ),
    ],
)
def test_features_py_and_its_declaration(
    load: Load, tmp_path: Path, features: str, python: str | None, found: str
) -> None:
    files = {"project": PROJECT, "features": features, "contract": CONTRACT}
    if python is not None:
        files["python"] = python
    said = problems(load, tmp_path, **files)
    assert any(line.startswith(found) for line in said), said


def test_a_function_may_have_further_arguments_with_defaults(load: Load) -> None:
    python = "def features(frame, scale=2.0, *more, exact=True):\n    return frame\n"
    assert load(project=PROJECT, features=DECLARED, python=python).files["features.py"] == python


@pytest.mark.parametrize("key", ["project", "features", "contract"])
def test_whatever_is_written_under_a_key_is_taken_or_named(load: Load, key: str) -> None:
    models: dict[str, type[BaseModel]] = {
        "project": ProjectSpec,
        "features": FeaturesSpec,
        "contract": ContractSpec,
    }
    begin = {"project": PROJECT, "features": FEATURES, "contract": CONTRACT}
    files = {"project": PROJECT, "features": FEATURES, "contract": CONTRACT}
    odd = ["", "no", "5", "[1]", "[[x]]", "{a: 1}", "{a: {b: {}}}", "{? [a] : b}", ".nan", "!!x y"]
    for name in models[key].model_fields:
        there = [line for line in begin[key].splitlines() if not line.startswith(f"{name}:")]
        for value in odd:
            text = "\n".join([*there, f"{name}: {value}"]) + "\n"
            try:
                load(**{**files, key: text})
            except InvalidProject as error:
                assert ".yml" in error.message
