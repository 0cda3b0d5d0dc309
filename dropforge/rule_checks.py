"""What `impute` and `encode` of features.yml say that cannot be meant."""

from collections.abc import Collection, Iterator, Mapping

from dropforge.contract import ColumnType
from dropforge.feature_rules import COLUMN_TYPES, DEFAULT, RULES, Impute, fitting, says
from dropforge.features import FeaturesSpec
from dropforge.located import Problem

Path = tuple[str | int, ...]

_TYPES: dict[str, ColumnType] = {name: name for name in COLUMN_TYPES}


def rule_problems(
    spec: FeaturesSpec, kinds: Mapping[str, ColumnType] | None, columns: Collection[str]
) -> Iterator[Problem]:
    """Every mistake. `kinds` are the contract's, if there is one; `columns` are those known."""
    yield from _impute(spec, kinds or {}, columns)
    yield from _encode(spec, kinds or {}, columns)


def _impute(
    spec: FeaturesSpec, kinds: Mapping[str, ColumnType], columns: Collection[str]
) -> Iterator[Problem]:
    rules = spec.impute
    if not isinstance(rules, dict):
        yield from _typo(rules, ("impute",))
        return
    for key, rule in rules.items():
        path = ("impute", key)
        yield from _key(spec, key, path, columns)
        if key in columns:
            kind = kinds.get(key)
            if kind is not None and fitting(rule, kind) is None:
                yield Problem(path, f"{says(rule)} is not for type {kind}")
        elif key in spec.groups:
            found = [kinds.get(name) for name in spec.groups[key]]
            if None not in found and not any(kind and fitting(rule, kind) for kind in found):
                yield Problem(path, f"{says(rule)} is for no column of {key}")
        elif (of_type := _TYPES.get(key)) is not None:
            if fitting(rule, of_type) is None:
                yield Problem(path, f"{says(rule)} is not for type {key}")
        else:
            yield from _typo(rule, path)


def _encode(
    spec: FeaturesSpec, kinds: Mapping[str, ColumnType], columns: Collection[str]
) -> Iterator[Problem]:
    rules = spec.encode
    for key, rule in rules.items() if isinstance(rules, dict) else ():
        path = ("encode", key)
        yield from _key(spec, key, path, columns)
        kind = kinds.get(key) if key in columns else key if key in COLUMN_TYPES else None
        if kind not in (None, "string") and rule != "native":
            yield Problem(path, f"is of type {kind}: only texts are encoded")


def _typo(rule: Impute, path: Path) -> Iterator[Problem]:
    """A text that is no rule, where it would be a constant for columns of every type."""
    if isinstance(rule, str) and rule not in RULES:
        yield Problem(
            path,
            f"there is no rule {rule}: {', '.join(RULES)}, or a number; a text for all is "
            f"written {{constant: {rule}}}",
        )


def _key(spec: FeaturesSpec, key: str, path: Path, columns: Collection[str]) -> Iterator[Problem]:
    """A key of impute or encode is a column, a group, a type, or `default`."""
    if key in (*spec.groups, *COLUMN_TYPES, DEFAULT) or key in columns:
        return
    if key in spec.made:
        yield Problem(path, f"{key} is made of columns: name those", at_key=True)
    else:
        types = ", ".join(COLUMN_TYPES)
        yield Problem(path, f"{key} is no group, type ({types}) or column", at_key=True)
