"""What a model's requests and answers hold: contract.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dropforge.project import ProjectSpec
from dropforge.rules import KINDS
from sagemaker_jobs import labels
from sagemaker_jobs.boosting.scorer import Output
from sagemaker_jobs.features.frame import PERIOD, Input
from sagemaker_jobs.features.pipeline import FittedFeatures


def class_names(spec: ProjectSpec) -> tuple[str, ...]:
    """A multiclass project's outcomes in their one spelling, in the order of the scores."""
    return tuple(labels.canonical(value) or "" for value in spec.classes)


def write_contract(
    artifact: Path,
    spec: ProjectSpec,
    features: FittedFeatures,
    output: Output,
    known_columns: Sequence[str] = (),
) -> None:
    """Write contract.json: the columns a request carries, and how its scores are decided.

    A column has its name and type, and what contract.yml says of its values, in the same words:
    `nullable`, `min`, `max`, `clamp`, `allowed`, `pattern`, `on_break`, `personal`. The row's
    period is none of them: a request may leave it out. `rules`, if contract.yml has any, are those
    over rows: one is `asked` of a request if that carries all of its `columns`.
    """
    document: dict[str, Any] = {
        "project": spec.name,
        "id": spec.id,
        "columns": [_column(spec, c) for c in features.inputs if c.name != PERIOD],
        "ignored": _ignored(spec, features, known_columns),
        "output": {"target": spec.target, **_output(spec, output)},
    }
    if rules := _rules(spec, features.inputs):
        document["rules"] = rules
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (artifact / "contract.json").write_text(text, encoding="utf-8")


def _column(spec: ProjectSpec, column: Input) -> dict[str, Any]:
    document: dict[str, Any] = {"name": column.name, "type": column.kind}
    said = spec.contract.columns.get(column.name) if spec.contract else None
    if said is None:
        return document
    # A rule that does not fit the type that the model was trained with could never hold.
    fitting = ["allowed", "pattern"] if column.is_category else ["min", "max", "allowed"]
    if column.is_category != (said.type == "string"):
        fitting = []
    given = said.model_dump(mode="json", exclude_defaults=True)
    rules = {key: given[key] for key in (*fitting, "nullable") if key in given}
    if column.clamp is not None:
        rules["clamp"] = True
    if rules:
        document |= rules | {"on_break": said.on_break}
    return document | {"personal": said.personal}


def _rules(spec: ProjectSpec, inputs: Sequence[Input]) -> list[dict[str, Any]]:
    contract = spec.contract
    kinds = {c.name: KINDS[c.kind] for c in inputs if c.name != PERIOD}
    documents = []
    for rule in contract.rules if contract else ():
        assert contract is not None  # it has the rule
        names = contract.condition(rule).columns
        read = [kinds.get(n) == KINDS[contract.columns[n].type] for n in names]
        documents.append(
            {
                "name": rule.name,
                "expr": rule.expr,
                "says": contract.sentence(rule),
                "on_break": rule.on_break,
                "columns": names,
                "asked": all(read),
            }
        )
    return documents


def _output(spec: ProjectSpec, output: Output) -> dict[str, Any]:
    document: dict[str, Any] = {"task": output.task}
    if output.task == "binary":
        document["positive"] = spec.positive
    if output.classes:
        document["classes"] = list(output.classes)
    sigmoid = output.calibration
    document["threshold"] = output.threshold
    document["calibration"] = vars(sigmoid) if sigmoid else None
    return document


def _ignored(
    spec: ProjectSpec, features: FittedFeatures, known_columns: Sequence[str]
) -> list[str]:
    """Columns that a request may carry and the model does not read: whatever files have."""
    known = [spec.id, spec.target, *(spec.contract.columns if spec.contract else [])]
    known += known_columns
    known += [*([spec.group] if spec.group else []), *spec.protected_columns]
    read = {c.name for c in features.inputs}
    return [name for name in dict.fromkeys(known) if name not in read]
