"""The first contract of a project, written from what its first file showed; people own it then."""

from collections.abc import Collection, Mapping

import yaml

from dropforge.contract import ColumnSpec, ColumnType, ContractSpec, Role

HEAD = """\
# What a file must hold, as the first one did. It is yours now: tighten it where you know more.
# Types are binding; the ranges in comments are only what was seen. docs/projects.md has every rule.
"""


def infer_contract(
    kinds: Mapping[str, ColumnType],
    *,
    id: str,
    target: str,
    missing: Mapping[str, int] | None = None,
    protected: Collection[str] = (),
    group: str | None = None,
    ignored: Collection[str] = (),
) -> ContractSpec:
    """The contract that a file's evidence supports: types, roles, and who had no missing value.

    `missing` counts the missing values a column; a column it does not name may be empty. Nothing
    tighter is inferred: the next file's extremes are not this one's. What is `ignored` is not
    taken from any file.
    """

    def role(name: str) -> Role:
        if name in (id, target):
            return "id" if name == id else "target"
        if name == group:
            return "group"
        if name in ignored:
            return "ignored"
        return "protected" if name in protected else "feature"

    counts = missing or {}
    columns = {
        name: ColumnSpec(
            # Ids and outcomes are text whatever they look like: leading zeros survive.
            type="string" if name in (id, target) else kind,
            role=role(name),
            nullable=role(name) in ("target", "ignored")
            or (name != id and counts.get(name, 1) > 0),
            personal=name == id,
        )
        for name, kind in kinds.items()
    }
    return ContractSpec(columns=columns)


def contract_yaml(
    contract: ContractSpec,
    seen: Mapping[str, tuple[object, object]] = {},
    notes: Mapping[str, str] = {},
) -> str:
    """A contract as a file for people: a column a line, the ranges `seen` and notes as comments."""
    lines = [HEAD, "columns:"]
    for name, column in contract.columns.items():
        facts = flow(column.model_dump(exclude_defaults=True))
        line = f"  {flow(name)}: {facts}"
        if name in seen and not column.personal:
            low, high = seen[name]
            line += f"  # seen: {low} to {high}"
        elif name in notes:
            line += f"  # {notes[name]}"
        lines.append(line)
    rest = contract.model_dump(exclude_defaults=True, exclude={"columns"})
    if rest:
        lines.append(yaml.safe_dump(rest, sort_keys=False, allow_unicode=True).rstrip())
    return "\n".join(lines) + "\n"


def flow(value: object) -> str:
    """A value as YAML on one line, quoted where YAML would read it as something else."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text.removesuffix("\n").removesuffix("\n...")
