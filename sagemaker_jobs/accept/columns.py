"""A file's columns against what the project expects: its kind, its types, what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from dropforge.drops import DropKind, Reason
from dropforge.project import ProjectSpec
from sagemaker_jobs.features.fit import kind_of, source_columns
from sagemaker_jobs.reader.problems import Refused, refuse
from sagemaker_jobs.reader.typing import infer_kinds, mostly_numbers
from sagemaker_jobs.values import Kind


@dataclass(frozen=True)
class Expected:
    """How a file is read: its kind, each taken column's type, and what a person should know."""

    kind: DropKind
    kinds: dict[str, Kind]
    warnings: list[str] = field(default_factory=list)


def expect(spec: ProjectSpec, table: pa.Table, history: pa.Schema | None) -> Expected:
    """Decide the file's kind and its columns' types.

    Types come from the contract, then from the history; only a project's first file is inferred.

    Raises:
        Refused: the id column or columns that the features need are missing.
    """
    names = list(table.schema.names)
    if spec.id not in names:
        raise refuse(
            "missing_id",
            f"The id column {spec.id} is missing. The file's columns: {', '.join(names[:20])}"
            f"{' …' if len(names) > 20 else ''}.",
            column=spec.id,
        )
    kind = _drop_kind(spec, table)
    if kind == "labels_only":
        return Expected(kind, {spec.id: "string", spec.target: "string"})
    needed = needed_columns(spec, kind)
    _require(needed, names)
    known = _known_kinds(spec, history)
    taken, ignored = _taken(spec, names, known, needed)
    inferred: dict[str, Kind] = {}
    if unknown := [name for name in taken if name not in known]:
        inferred = infer_kinds(table.select(unknown))
        known = {**known, **inferred}
    # Ids are text always: leading zeros and 64-bit numbers survive. So is the target's outcome.
    kinds: dict[str, Kind] = {name: known[name] for name in taken}
    kinds |= {name: "string" for name in (spec.id, spec.target) if name in kinds}
    warnings = _warnings(spec, names, ignored, history)
    return Expected(kind, kinds, warnings + _slips(spec, table, inferred))


def needed_columns(spec: ProjectSpec, kind: DropKind) -> list[str]:
    """The columns without which a file of this kind is refused."""
    needed = source_columns(spec.features)
    if spec.contract is not None:
        required = [n for n, c in spec.contract.columns.items() if c.role != "ignored"]
        needed += [n for n in required if n != spec.target and n != spec.id]
    if kind == "labelled" and spec.group:
        needed.append(spec.group)
    return list(dict.fromkeys(needed))


def _drop_kind(spec: ProjectSpec, table: pa.Table) -> DropKind:
    names = set(table.schema.names)
    has_target = spec.target in names
    if has_target and names <= {spec.id, spec.target}:
        return "labels_only"
    if has_target and table.column(spec.target).null_count < table.num_rows:
        return "labelled"
    return "unlabelled"


def _require(needed: list[str], names: list[str]) -> None:
    present = set(names)
    missing = [name for name in needed if name not in present]
    if not missing:
        return
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
    raise Refused(reasons)


def _known_kinds(spec: ProjectSpec, history: pa.Schema | None) -> dict[str, Kind]:
    known: dict[str, Kind] = {}
    if spec.contract is not None:
        known |= {name: column.type for name, column in spec.contract.columns.items()}
    if history is not None:
        known |= {field.name: kind_of(field.type) for field in history}
    return known


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


def _slips(spec: ProjectSpec, table: pa.Table, inferred: Mapping[str, Kind]) -> list[str]:
    features = {n: k for n, k in inferred.items() if n not in (spec.id, spec.target)}
    return [
        f"column {name} is read as text because {len(rows):,} of its values are no numbers; if it "
        "should be a number, correct them or name its type in contract.yml"
        for name, rows in mostly_numbers(table, features).items()
    ]


def _warnings(
    spec: ProjectSpec, names: list[str], ignored: list[str], history: pa.Schema | None
) -> list[str]:
    warnings = []
    if ignored:
        warnings.append(f"columns not known before were ignored: {', '.join(ignored)}")
    absent = [c for c in spec.protected_columns if c not in names]
    if history is not None:
        absent += [n for n in history.names if n not in (*names, *absent, spec.target)]
    if absent:
        warnings.append(f"columns are absent and count as missing: {', '.join(absent)}")
    return warnings
