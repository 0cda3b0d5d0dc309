"""What features.yml says against itself and against the contract, key by key."""

from collections.abc import Iterator, Mapping

from dropforge.contract import ColumnType
from dropforge.expressions import ExpressionError, parse_derived
from dropforge.features import FeaturesSpec, find_circle
from dropforge.located import Problem
from dropforge.rule_checks import rule_problems

Kinds = Mapping[str, ColumnType]


def feature_problems(
    spec: FeaturesSpec, kinds: Kinds | None, *, id: str, target: str
) -> Iterator[Problem]:
    """Every mistake in the features. `kinds` are the contract's columns, if there is a contract."""
    checks = _Checks(spec, kinds, id, target)
    for problem in (
        *checks.selection(),
        *checks.names(),
        *checks.derived(),
        *checks.dates(),
        *checks.aggregates(),
        *checks.python(),
        *rule_problems(spec, kinds, checks.columns()),
    ):
        yield Problem(
            ("features", *problem.path), problem.message, problem.character, problem.at_key
        )


class _Checks:
    def __init__(self, spec: FeaturesSpec, kinds: Kinds | None, id: str, target: str) -> None:
        self._spec, self._kinds, self._id, self._target = spec, kinds, id, target
        self._made = set(spec.made)

    def selection(self) -> Iterator[Problem]:
        spec = self._spec
        for group, columns in spec.groups.items():
            for index, name in enumerate(columns):
                yield from self._column(name, ("groups", group, index), made=True)
        for key, names in (("keep", spec.keep), ("drop", spec.drop)):
            for index, name in enumerate(names):
                if name not in spec.groups:
                    yield from self._column(name, (key, index), made=True)

    def names(self) -> Iterator[Problem]:
        """Made features must not be called like a column or like each other."""
        spec, seen = self._spec, dict[str, str]()
        places: list[tuple[str, tuple[str | int, ...], str]] = [
            *(
                (f"{column}_{part}", ("dates", column, index), "a date part")
                for column, parts in spec.dates.items()
                for index, part in enumerate(parts)
            ),
            *((name, ("derive", name), "derived") for name in spec.derive),
            *((name, ("aggregates", name), "an aggregate") for name in spec.aggregates),
            *(
                (name, ("python", "gives", index), "given by features.py")
                for index, name in enumerate(spec.python.gives if spec.python else ())
            ),
        ]
        columns = {*(self._kinds or ()), self._id, self._target} | self._sure_columns()
        for name, path, what in places:
            if name.startswith("_"):
                yield Problem(path, f"{name}: names that begin with _ are Dropforge's", None, True)
            elif not name:
                yield Problem(path, "a feature needs a name", None, True)
            elif name in columns:
                yield Problem(
                    path, f"the file has a column {name}: choose another name", None, True
                )
            elif name in seen:
                yield Problem(path, f"{name} is {seen[name]} already", None, True)
            elif name in spec.groups:
                yield Problem(path, f"{name} is a group: choose another name", None, True)
            seen.setdefault(name, what)

    def derived(self) -> Iterator[Problem]:
        spec = self._spec
        later = {*spec.aggregates, *(spec.python.gives if spec.python else ())}
        known: dict[str, str] | None = None
        if self._kinds is not None:
            known = {**self._kinds, **dict.fromkeys((*spec.date_parts, *spec.derive), "number")}
        reads: dict[str, tuple[str, ...]] = {}
        for name, text in spec.derive.items():
            path = ("derive", name)
            try:
                # Whatever the expression reads, circles among those that parse are found.
                reads[name] = parse_derived(text).columns
                for column in reads[name]:
                    yield from self._place(column, path, later)
                parse_derived(text, known)
            except ExpressionError as error:
                if not set(reads.get(name, ())) & {self._id, self._target, *later}:
                    yield Problem(path, str(error), error.character)
        for name in (circle := find_circle(reads)):
            others = ", ".join(circle)
            says = f"{others} are derived from each other" if circle[1:] else "is derived of itself"
            yield Problem(("derive", name), says)

    def dates(self) -> Iterator[Problem]:
        for column, parts in self._spec.dates.items():
            yield from self._column(column, ("dates", column), types=("date",))
            if not parts:
                yield Problem(("dates", column), "names no part")

    def aggregates(self) -> Iterator[Problem]:
        for name, aggregate in self._spec.aggregates.items():
            path = ("aggregates", name)
            if aggregate.by != self._id:
                yield from self._column(aggregate.by, (*path, "by"))
            if aggregate.column is not None:
                numbers: tuple[ColumnType, ...] = ("integer", "number", "boolean", "date")
                yield from self._column(aggregate.column, (*path, "column"), types=numbers)

    def python(self) -> Iterator[Problem]:
        spec = self._spec
        for index, name in enumerate(spec.python.reads if spec.python else ()):
            path = ("python", "reads", index)
            if spec.python and name in spec.python.gives:
                yield Problem(path, f"{name} is given by features.py itself")
            else:
                yield from self._column(name, path, made=True)

    def columns(self) -> set[str]:
        """The file's columns: the contract's, or those that are surely some."""
        return set(self._kinds) if self._kinds is not None else self._sure_columns()

    def _sure_columns(self) -> set[str]:
        """The columns that the features name where nothing but a column of the file may be."""
        spec = self._spec
        found = {*spec.selected, *spec.dates, *(a.by for a in spec.aggregates.values())}
        found |= {a.column for a in spec.aggregates.values() if a.column is not None}
        found |= set(spec.python.reads if spec.python else ()) - self._made
        for text in spec.derive.values():
            try:
                found |= set(parse_derived(text).columns) - self._made
            except ExpressionError:
                continue
        return found

    def _column(
        self,
        name: str,
        path: tuple[str | int, ...],
        *,
        types: tuple[ColumnType, ...] = (),
        made: bool = False,
    ) -> Iterator[Problem]:
        """A column that is read: it exists, has one of the types, and is not the outcome."""
        if made and name in self._made:
            return
        if problem := next(self._place(name, path, ()), None):
            yield problem
        elif self._kinds is None:
            return
        elif name not in self._kinds:
            near = next((n for n in self._kinds if n.lower() == name.lower()), None)
            hint = f" (there is {near}: names are case-sensitive)" if near else ""
            yield Problem(path, f"the contract has no column {name}{hint}")
        elif types and self._kinds[name] not in types:
            yield Problem(path, f"{name} is of type {self._kinds[name]}, not {' or '.join(types)}")

    def _place(
        self, name: str, path: tuple[str | int, ...], later: set[str] | tuple[()]
    ) -> Iterator[Problem]:
        if name == self._target:
            yield Problem(path, f"{name} is the target: no feature is made of it")
        elif name == self._id:
            yield Problem(path, f"{name} is the id: no feature is made of it")
        elif name.startswith("_"):
            yield Problem(path, f"{name}: names that begin with _ are Dropforge's")
        elif name in later:
            yield Problem(path, f"{name} comes after derived features: it cannot be read here")
