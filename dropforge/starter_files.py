"""A new project's files, for people to go on from: each key with what it does."""

from dropforge.errors import InvalidProject
from dropforge.inferred import contract_yaml, flow, infer_contract
from dropforge.metrics import TASK_METRICS
from dropforge.period import Unit
from dropforge.starter import FirstLook, Prediction, is_number

COMMENTS_AT = 30
"""The column at which the comments of a file begin."""


def starter_files(
    name: str, look: FirstLook, *, id: str, target: str, predicts: Prediction, period: Unit
) -> dict[str, str]:
    """The new project's files by name; together they are valid.

    Raises:
        InvalidProject: no column is left for the model.
    """
    return {
        "project.yml": _project(name, look, id, target, predicts, period),
        "features.yml": _features(look, id, target),
        "contract.yml": _contract(look, id, target),
    }


def reading_lines(encoding: str, delimiter: str | None, decimal: str) -> str:
    """The keys of project.yml about how files are read, where they are not the defaults."""
    said = {"encoding": (encoding, "utf-8"), "delimiter": (delimiter, None)}
    said["decimal"] = (decimal, ".")
    lines = [f"{key}: {flow(value)}\n" for key, (value, usual) in said.items() if value != usual]
    return "\n# How files are written.\n" + "".join(lines) if lines else ""


def _project(
    name: str, look: FirstLook, id: str, target: str, predicts: Prediction, period: Unit
) -> str:
    binary = predicts.task == "binary"
    metric, *others = TASK_METRICS[predicts.task]
    return _lines(
        f"# Written by `dropforge init` from a file of {look.rows:,} rows; it is yours now.",
        "# What is left out has a default: docs/projects.md has every key; `dropforge validate`",
        "# shows what was understood.",
        "",
        (f"name: {name}", "the folder in the drop bucket"),
        (f"task: {predicts.task}", "binary, multiclass or regression"),
        "",
        (f"target: {flow(target)}", "the column to predict; a file without it is scored"),
        *_outcomes(look, predicts),
        (f"id: {flow(id)}", "names a row: predictions carry it, corrections are matched by it"),
        "",
        (f"period: {period}", "what one file stands for, by its name: month or day"),
        ("history: initial", "initial.csv is the history before all periods"),
        (f"metric: {metric}", f"or {', '.join(others)}"),
        "",
        ("tune: {trials: 10, seed: 42}", "more trials: a longer search, seldom much better"),
        *(
            [("threshold: {recall: 0.6}", "decide so that 60 % of the positives are found")]
            * binary
        ),
        "",
        "# Which model replaces the one in use: the better one, if that is more than chance.",
        "promotion:",
        (f"  # min: {{{metric}: ...}}", "an absolute bound: no model beyond it is ever used"),
        "  champion: {margin: 0.0, confidence: 0.90}",
        *([("  min_positives: 100", "fewer to judge on: the current model stays")] * binary),
        "",
        ("approval: auto", "manual: a person approves every promotion"),
        ("endpoint: none", "realtime, serverless: answers single requests; none costs nothing"),
        "",
        "# Columns by which the report compares groups of people; better not features as well.",
        "protected: []",
        "# Columns whose values appear in no mail or report, beside the id.",
        "personal: []",
        "",
        "# Who is mailed. AWS asks each address once for its consent.",
        "notify:",
        "  results: []",
        "  failures: []",
        "  approvals: []",
    )


def _lines(*lines: str | tuple[str, str]) -> str:
    return "".join(
        f"{line}\n" if isinstance(line, str) else f"{line[0]:<{COMMENTS_AT - 1}} # {line[1]}\n"
        for line in lines
    )


def _outcomes(look: FirstLook, predicts: Prediction) -> list[str | tuple[str, str]]:
    if predicts.task == "binary":
        assert predicts.positive is not None
        share = look.outcomes[predicts.positive] / sum(look.outcomes.values())
        value = flow(_scalar(predicts.positive))
        return [(f"positive: {value}", f"whose probability is predicted: {share:.1%} of the rows")]
    if predicts.task == "multiclass":
        classes = flow([_scalar(outcome) for outcome in predicts.classes])
        return ["# Every outcome, in order.", f"classes: {classes}"]
    return []


def _features(look: FirstLook, id: str, target: str) -> str:
    left_out = {id, target, *look.identifying, *look.constant}
    groups: dict[str, list[str]] = {"numbers": [], "categories": [], "dates": []}
    for column, kind in look.kinds.items():
        if column not in left_out:
            group = {"string": "categories", "date": "dates"}.get(kind, "numbers")
            groups[group].append(column)
    kept = [group for group in ("numbers", "categories") if groups[group]]
    if not kept:
        raise InvalidProject(
            f"No column is left for the model beside {id} and {target}: "
            "the others are dates, are constant, or differ in almost every row. "
            "Nothing was written."
        )
    listed = [
        line
        for group, columns in groups.items()
        if columns
        for line in (f"  {group}:", *(f"    - {flow(column)}" for column in columns))
    ]
    return _lines(
        "# Which columns the model sees, and how they become numbers. Groups are names of your",
        "# own; keep and drop take groups or columns.",
        "",
        "groups:",
        *listed,
        "",
        f"keep: {flow(kept)}",
        "# drop: [a_column]",
        "",
        ("impute: none", "LightGBM treats a missing value as one, which mostly beats a guess"),
        ("encode: native", "categories as categories, unseen ones as missing"),
        "",
        "# New columns by arithmetic, the same in training, in batch and at the endpoint.",
        "# derive:",
        "#   ratio: a_column / another_column",
        *_dates(groups["dates"]),
    )


def _dates(columns: list[str]) -> list[str]:
    if not columns:
        return []
    return [
        "",
        "# A date itself grows with time and misleads a model; parts of it do not.",
        "# dates:",
        f"#   {flow(columns[0])}: [days_before_period, month, weekday]",
    ]


def _contract(look: FirstLook, id: str, target: str) -> str:
    ignored = [name for name in look.identifying if name not in (id, target)]
    contract = infer_contract(
        look.kinds, id=id, target=target, missing=look.missing, ignored=ignored
    )
    notes = dict.fromkeys(look.constant, "one value in every row: not in features.yml")
    notes |= dict.fromkeys(ignored, "another value in almost every row: not read at all")
    seen = {n: r for n, r in look.seen.items() if n not in (id, target) and n not in notes}
    return contract_yaml(contract, seen, notes)


def _scalar(outcome: str) -> str | int | float:
    """An outcome as people write it in YAML: a number as a number."""
    if not is_number(outcome):
        return outcome
    number = float(outcome)
    return int(number) if number.is_integer() else number
