"""What a project's files say against each other: found before a file is dropped."""

from collections.abc import Iterator

from dropforge.contract import ColumnType
from dropforge.feature_checks import feature_problems
from dropforge.located import Problem
from dropforge.project import ProjectSpec
from dropforge.python_features import FEATURES_PY, python_problems


def project_problems(spec: ProjectSpec) -> Iterator[Problem]:
    """Every mistake between project.yml, features.yml, features.py and contract.yml."""
    yield from feature_problems(spec.features, contract_kinds(spec), id=spec.id, target=spec.target)
    yield from python_problems(spec.features, spec.files.get(FEATURES_PY))
    yield from _of_the_task(spec)
    if spec.contract is not None:
        yield from _roles(spec)
        yield from _clamps(spec)
        yield from _names(spec)


def contract_kinds(spec: ProjectSpec) -> dict[str, ColumnType] | None:
    """The contract's types of the columns that are read; the id and the target are texts."""
    if spec.contract is None:
        return None
    kinds = {n: c.type for n, c in spec.contract.columns.items() if c.role != "ignored"}
    texts: dict[str, ColumnType] = {spec.id: "string", spec.target: "string"}
    return {**kinds, **{name: kind for name, kind in texts.items() if name in kinds}}


def _of_the_task(spec: ProjectSpec) -> Iterator[Problem]:
    if spec.task != "binary":
        for key in ("threshold", "positive"):
            if key in spec.model_fields_set:
                yield Problem((key,), f"is for task binary, the task is {spec.task}", at_key=True)
    if spec.task == "multiclass":
        for name, aggregate in spec.features.aggregates.items():
            if aggregate.statistic == "target_mean":
                path = ("features", "aggregates", name, "statistic")
                yield Problem(path, "target_mean is for tasks binary and regression")


def _roles(spec: ProjectSpec) -> Iterator[Problem]:
    """The contract's roles are the project's id, target and group."""
    assert spec.contract is not None
    named = {"id": spec.id, "target": spec.target, "group": spec.group}
    for name, column in spec.contract.columns.items():
        path = ("contract", "columns", name, "role")
        if column.role in named and named[column.role] != name:
            is_one = named[column.role] or "not named"
            yield Problem(path, f"{column.role} of project.yml is {is_one}")
        elif column.role == "ignored" and name in named.values():
            yield Problem(path, f"{name} is needed by project.yml: it cannot be ignored")


def _clamps(spec: ProjectSpec) -> Iterator[Problem]:
    """Ids and outcomes stay as they are, whatever role the contract gives them."""
    assert spec.contract is not None
    for key, name in (("id", spec.id), ("target", spec.target)):
        if name in spec.contract.clamps:
            yield Problem(
                ("contract", "columns", name, "clamp"), f"{name} is the {key}: it stays as it is"
            )


def _names(spec: ProjectSpec) -> Iterator[Problem]:
    """Every column that project.yml names is one of the contract's; id and target may be none."""
    assert spec.contract is not None
    columns = [n for n, c in spec.contract.columns.items() if c.role != "ignored"]
    named: list[tuple[tuple[str | int, ...], str]] = []
    if spec.group is not None:
        named.append((("group",), spec.group))
    for key in ("slices", "protected", "personal"):
        named += [((key, i), name) for i, name in enumerate(getattr(spec, key))]
    named += [(("promotion", "fairness", name), name) for name in spec.promotion.fairness]
    for path, name in named:
        if name in (spec.id, spec.target):
            if path[0] in ("slices", "protected"):
                yield Problem(path, f"{name} is the id or the target: no groups of rows")
        elif name not in (columns if path[0] != "personal" else spec.contract.columns):
            near = next((n for n in columns if n.lower() == name.lower()), None)
            hint = f" (there is {near}: names are case-sensitive)" if near else ""
            yield Problem(path, f"the contract has no column {name}{hint}")
