"""A file's columns against what the project expects: its kind, its types, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from dropforge.drops import DropKind, Reason
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.fit import kind_of
from sagemaker_jobs.reader.conversion import as_text
from sagemaker_jobs.reader.evidence import KindEvidence
from sagemaker_jobs.reader.problems import Refused, refuse
from sagemaker_jobs.reader.source import Source
from sagemaker_jobs.values import Kind


@dataclass(frozen=True)
class Expected:
    """How a file is read: its kind, each taken column's type, and what a person should know."""

    kind: DropKind
    kinds: dict[str, Kind]
    warnings: list[str] = field(default_factory=list)


def expect_columns(spec: ProjectSpec, source: Source, history: pa.Schema | None) -> Expected:
    """Decide a file's kind and its columns' types without holding its rows.

    Types come from the contract, then from the history; only a project's first file is inferred,
    in a pass of its own.

    Raises:
        Refused: columns are missing, or there are new ones that the contract refuses.
    """
    names = list(source.names)
    if spec.id not in names:
        raise _no_id(spec, names)
    kind = _source_kind(spec, source)
    if kind == "labels_only":
        return Expected(kind, {spec.id: "string", spec.target: "string"})
    needed = needed_columns(spec, kind)
    known = _contract_first(spec, history)
    taken, ignored = _taken(spec, names, known, needed)
    absent = _check_names(spec, names, needed, ignored)
    slips: list[str] = []
    if unknown := [name for name in taken if name not in known]:
        evidence = KindEvidence(source.decimal)
        for block in source.blocks(columns=unknown):
            evidence.update(block.rows)
        known = {**known, **evidence.kinds()}
        slips = [
            _slip(n, c) for n, c in evidence.slips().items() if n not in (spec.id, spec.target)
        ]
    # Ids are text always: leading zeros and 64-bit numbers survive. So is the target's outcome.
    kinds: dict[str, Kind] = {name: known.get(name, "string") for name in taken}
    kinds |= {name: "string" for name in (spec.id, spec.target) if name in kinds}
    file = spec.contract.file if spec.contract else None
    said = [] if file is not None and file.new_columns == "ignore" else ignored
    return Expected(kind, kinds, [*_warnings(spec, names, said, history, absent), *slips])


def needed_columns(spec: ProjectSpec, kind: DropKind) -> list[str]:
    """The columns without which a file of this kind is refused."""
    features = spec.features
    needed = features.history_columns if kind == "labelled" else features.source_columns
    if spec.contract is not None:
        required = [n for n, c in spec.contract.columns.items() if c.role != "ignored"]
        needed += [n for n in required if n != spec.target and n != spec.id]
    if kind == "labelled" and spec.group:
        needed.append(spec.group)
    return list(dict.fromkeys(needed))


def _no_id(spec: ProjectSpec, names: list[str]) -> Refused:
    return refuse(
        "missing_id",
        f"The id column {spec.id} is missing. The file's columns: {', '.join(names[:20])}"
        f"{' …' if len(names) > 20 else ''}.",
        column=spec.id,
    )


def _source_kind(spec: ProjectSpec, source: Source) -> DropKind:
    names = set(source.names)
    if spec.target not in names:
        return "unlabelled"
    if names <= {spec.id, spec.target}:
        return "labels_only"
    for block in source.blocks(columns=[spec.target]):
        outcomes = as_text(block.rows.column(spec.target))
        if outcomes.null_count < len(outcomes):
            return "labelled"
    return "unlabelled"


def _contract_first(spec: ProjectSpec, history: pa.Schema | None) -> dict[str, Kind]:
    """The contract's type wins; where it widens the history's, the history follows.

    The other way round, whole numbers are welcome in a history of numbers.
    """
    known: dict[str, Kind] = {}
    if history is not None:
        known |= {field.name: kind_of(field.type) for field in history}
    for name, column in (spec.contract.columns if spec.contract else {}).items():
        if not (column.type == "integer" and known.get(name) == "number"):
            known[name] = column.type
    return known


def _check_names(
    spec: ProjectSpec, names: list[str], needed: list[str], ignored: list[str]
) -> list[str]:
    """Refuse what is missing or new, all at once; answers what is absent and may be."""
    missing = [name for name in needed if name not in names]
    file = spec.contract.file if spec.contract else None
    absent: list[str] = []
    if file is not None and file.missing_columns == "warn":
        features = set(spec.features.history_columns)
        absent = [name for name in missing if name not in features]
    reasons = _missing_reasons([name for name in missing if name not in absent], names)
    if file is not None and file.new_columns == "refuse" and spec.contract is not None:
        new = [name for name in ignored if name not in spec.contract.columns]
        reasons += [
            Reason(
                code="new_column",
                message=f"Column {name} is new, and the contract refuses new columns. Add it to "
                "contract.yml, or leave it out.",
                column=name,
            )
            for name in new
        ]
    if reasons:
        raise Refused(reasons)
    return absent


def _missing_reasons(missing: list[str], names: list[str]) -> list[Reason]:
    lower = {name.lower(): name for name in names}
    reasons = []
    for name in missing:
        near = lower.get(name.lower())
        hint = f" There is a column {near}: names are case-sensitive." if near else ""
        reasons.append(
            Reason(
                code="missing_column",
                message=f"Column {name} is missing, which the model needs.{hint}",
                column=name,
            )
        )
    return reasons


def _taken(
    spec: ProjectSpec, names: list[str], known: Mapping[str, Kind], needed: list[str]
) -> tuple[list[str], list[str]]:
    """The columns that join the history, and those ignored."""
    if not known:
        return names, []
    wanted = {*known, *needed, spec.id, spec.target, *spec.protected_columns}
    if spec.contract is not None:
        wanted -= {n for n, c in spec.contract.columns.items() if c.role == "ignored"}
    return [n for n in names if n in wanted], [n for n in names if n not in wanted]


def _slip(name: str, count: int) -> str:
    return (
        f"column {name} is read as text because {count:,} of its values are no numbers; if it "
        "should be a number, correct them or name its type in contract.yml"
    )


def _warnings(
    spec: ProjectSpec,
    names: list[str],
    ignored: list[str],
    history: pa.Schema | None,
    missing: Sequence[str] = (),
) -> list[str]:
    warnings = []
    if ignored:
        warnings.append(f"columns not known before were ignored: {', '.join(ignored)}")
    absent = [c for c in (*missing, *spec.protected_columns) if c not in names]
    if history is not None:
        absent += [n for n in history.names if n not in (*names, *absent, spec.target)]
    if absent:
        listed = ", ".join(dict.fromkeys(absent))
        warnings.append(f"columns are absent and count as missing: {listed}")
    return warnings
