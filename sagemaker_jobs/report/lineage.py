"""Where the model comes from, and how to make it again or go back."""

from collections.abc import Mapping
from html import escape
from typing import Any

from dropforge.metrics import METRIC_NAMES
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, note, table
from sagemaker_jobs.report.numbers import figure, plural, size

MANY = 12


def lineage(report: Report) -> Chapter:
    """Versions, hashes and commands."""
    facts = {**_data(report), **_model(report)}
    rows = [[escape(name), value] for name, value in facts.items() if value]
    return Chapter("lineage", "Lineage", _again(report) + table(["", ""], rows, "facts"))


def periods(found: list[str]) -> str:
    """Periods as people read them: many are said by the first and the last."""
    if len(found) <= MANY:
        return ", ".join(found)
    return f"{found[0]} to {found[-1]} ({len(found)} periods)"


def _again(report: Report) -> str:
    project = report.spec.name
    return (
        "<p>To make this model again, byte for byte on the same image and processor, and to go "
        f"back to the model before:</p><pre><code>dropforge reproduce {escape(project)} VERSION\n"
        f"dropforge rollback {escape(project)}</code></pre>"
        + note(
            "VERSION is the model's number in the registry: the mail and <code>dropforge runs "
            f"{escape(project)}</code> say it."
        )
    )


def _data(report: Report) -> dict[str, str]:
    document, evaluation = report.lineage, report.evaluation
    rows = document.get("rows", {})
    learnt = document.get("periods", {})
    holdout = evaluation.holdout
    return {
        "Run": escape(evaluation.run),
        "Project version": f"<code>{escape(evaluation.project_version)}</code>",
        "Project files": escape(", ".join(document.get("project_files", {}))),
        "History version": escape(str(document.get("lake_version", ""))),
        "Aggregates": escape(_aggregates(report.context.snapshot)),
        "Periods learnt from": escape(periods(learnt.get("train", []))),
        "Rows": escape(", ".join(f"{count:,} {name}" for name, count in rows.items())),
        "Judged on": f"{holdout.rows:,} rows of {escape(holdout.period)}, which judged "
        f"{plural(holdout.judged_before, 'model')} before",
        "Deployed model": "fitted once more on all rows with the judged one's parameters; the "
        "judged twin is judged/model.txt"
        if evaluation.refit == "all"
        else "the very bytes that were judged",
        "Snapshot SHA-256": _hashes(document.get("snapshot", {})),
        "Row keys SHA-256": _hash(document.get("row_keys_sha256")),
    }


def _model(report: Report) -> dict[str, str]:
    document, evaluation = report.lineage, report.evaluation
    value = document.get("validation", {}).get("value")
    validation = (
        f"{METRIC_NAMES[evaluation.metric]} {figure(evaluation.metric, value)}"
        if value is not None
        else ""
    )
    libraries = document.get("libraries", {})
    machine = [f"{name} {number}" for name, number in libraries.items()]
    machine += [
        f"Python {document['python']}" if "python" in document else "",
        str(document.get("architecture", "")),
        f"{document['threads']} threads" if "threads" in document else "",
    ]
    return {
        "Model SHA-256": _hash(document.get("model_sha256")),
        "Artifact": f"<code>{escape(evaluation.artifact_uri)}</code>, "
        f"{size(evaluation.artifact_bytes)}",
        "Rounds": escape(str(document.get("rounds", ""))),
        "Seed": escape(str(document.get("seed", ""))),
        "Validation": escape(validation),
        "Code": escape(str(document.get("commit") or document.get("code") or "")),
        "Image": escape(str(document.get("image") or "")),
        "Made with": escape(", ".join(part for part in machine if part)),
        "Golden rows": f"{evaluation.golden_rows}, answered by the server's code as by the batch "
        "scorer",
        "One row": f"{evaluation.row_latency_ms:.3f} ms in process",
    }


def _aggregates(snapshot: Mapping[str, Any]) -> str:
    """The features joined by a key, and the period that their table is as of."""
    found = snapshot.get("aggregates") or {}
    names = found.get("names") or []
    as_of = f" as of {found['as_of']}" if found.get("as_of") else ""
    return f"{', '.join(names)}{as_of}" if names else ""


def _hash(text: str | None) -> str:
    return f"<code>{escape(text)}</code>" if text else ""


def _hashes(found: Mapping[str, Any]) -> str:
    return "<br>".join(f"{escape(name)} {_hash(str(text))}" for name, text in found.items())
