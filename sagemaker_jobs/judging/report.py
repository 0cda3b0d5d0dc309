"""The report that people read: one self-contained HTML file, no network needed to open it."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from dropforge.evaluation import Evaluation
from dropforge.metrics import METRIC_NAMES
from dropforge.project import ProjectSpec
from dropforge.verdict import Verdict
from sagemaker_jobs.judging.charts import charts
from sagemaker_jobs.judging.html import interval, section, share, table
from sagemaker_jobs.judging.judge import Judged
from sagemaker_jobs.judging.style import STYLE

MAX_FEATURES = 30


@dataclass(frozen=True)
class Report:
    """Everything the report shows."""

    spec: ProjectSpec
    evaluation: Evaluation
    verdict: Verdict
    judged: Judged
    lineage: dict[str, Any]


def write_report(path: Path, report: Report) -> None:
    """Write the file."""
    path.write_text(render(report), encoding="utf-8")


def render(report: Report) -> str:
    """The whole document."""
    title = f"{report.spec.name}: {report.verdict.verdict}"
    sections = [
        _headline(report),
        _rules(report),
        _figures(report),
        charts(report.judged),
        _fairness(report),
        _drift(report),
        _importance(report),
        _lineage(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        + "".join(sections)
        + "</main></body></html>\n"
    )


def _headline(report: Report) -> str:
    holdout, verdict = report.evaluation.holdout, report.verdict
    seen = (
        f"; {holdout.seen_rows:,} rows left out that the champion has seen"
        if holdout.seen_rows
        else ""
    )
    times = holdout.judged_before
    before = (
        f" This holdout has judged {times} model{'s' if times != 1 else ''} before."
        if times
        else ""
    )
    return (
        f'<header><p class="project">{escape(report.spec.name)} · run '
        f"{escape(report.evaluation.run)}</p>"
        f'<h1><span class="verdict {verdict.verdict.lower()}">{verdict.verdict}</span> '
        f"{escape(verdict.headline)}</h1>"
        f"<p>Judged on {holdout.rows:,} rows of {escape(holdout.period)} ({holdout.positives:,} "
        "positive) "
        f"that were not learnt from{seen}.{before}</p></header>"
    )


def _rules(report: Report) -> str:
    rows = [
        [
            escape(rule.name),
            escape(rule.required),
            escape(rule.observed),
            f'<span class="{rule.outcome.replace(" ", "-")}">{rule.outcome}</span>',
        ]
        for rule in report.verdict.rules
    ]
    if not rows:
        return section("Rules", "<p>The project asks for none, and there is no champion yet.</p>")
    return section("Rules", table(["Rule", "Required", "Observed", "Outcome"], rows))


def _figures(report: Report) -> str:
    evaluation = report.evaluation
    new, old, comparison = evaluation.challenger, evaluation.champion, evaluation.comparison
    head = ["", "Challenger"]
    if old:
        head += [f"Champion v{escape(old.version)}", "Change"]
    rows = []
    for name in new.metrics:
        cells = [METRIC_NAMES[name], interval(new.metrics[name])]
        if old and comparison:
            cells += [
                interval(old.metrics[name]),
                interval(comparison.differences[name], signed=True),
            ]
        rows.append(cells)
    rows += _decisions(report)
    confidence = report.spec.promotion.champion.confidence
    note = f"<p class='note'>Two-sided {confidence:.0%} bootstrap intervals"
    if comparison:
        note += (
            f", paired over {comparison.resamples:,} resamples of the same {comparison.rows:,} rows"
        )
    problem = ""
    if evaluation.champion_problem:
        problem = f"<p class='failed'>No comparison: {escape(evaluation.champion_problem)}</p>"
    return section("Figures", problem + table(head, rows) + note + ".</p>")


def _decisions(report: Report) -> list[list[str]]:
    new, old = report.evaluation.challenger, report.evaluation.champion
    comparison = report.evaluation.comparison
    rows = []
    for label, name in (("Flagged", "flagged"), ("Recall", "recall"), ("Precision", "precision")):
        ours = getattr(new, name)
        cells = [label, share(ours)]
        if old and comparison:
            theirs = getattr(old, name)
            change = None if ours is None or theirs is None else 100 * (ours - theirs)
            cells += [share(theirs), "n/a" if change is None else f"{change:+.1f} pt"]
        rows.append(cells)
    threshold = ["Threshold", f"{new.threshold:.4f}"]
    rows.append([*threshold, f"{old.threshold:.4f}", ""] if old and comparison else threshold)
    if comparison:
        changed = f"{comparison.decisions_changed:,} of {comparison.rows:,}"
        rows.append(["Decisions changed", "", "", changed])
    return rows


def _fairness(report: Report) -> str:
    parts = []
    for found in report.evaluation.fairness:
        ratio = (
            "not assessed"
            if "demographic_parity" not in found.ratios
            else f"{found.ratios['demographic_parity'].value:.3f}"
        )
        rows = [
            [
                escape(g.group),
                f"{g.rows:,}",
                f"{g.positives:,}",
                share(g.favourable_rate),
                escape(g.note or ""),
            ]
            for g in found.groups
        ]
        warning = (
            "<p class='failed'>This protected column is also a feature.</p>"
            if found.is_feature
            else ""
        )
        parts.append(
            f"<h3>{escape(found.column)}: demographic parity ratio {ratio}</h3>{warning}"
            + table(["Group", "Rows", "Positive", "Favourable", ""], rows)
        )
    return section("Fairness", "".join(parts)) if parts else ""


def _drift(report: Report) -> str:
    rows = [
        [
            escape(item.column),
            "" if item.psi is None else f"{item.psi:.4f}",
            '<span class="failed">drifted</span>' if item.alarm else escape(item.note or ""),
        ]
        for item in report.evaluation.drift
    ]
    if not rows:
        return ""
    return section(
        "Drift of the holdout against the champion's baseline", table(["Column", "PSI", ""], rows)
    )


def _importance(report: Report) -> str:
    rows = [
        [
            escape(item.feature),
            f"{item.share:.1%}",
            f'<span class="meter" style="width:{100 * item.share:.1f}%"></span>',
        ]
        for item in report.evaluation.importance[:MAX_FEATURES]
    ]
    return section("Importance (share of gain)", table(["Feature", "Share", ""], rows, css="wide"))


def _lineage(report: Report) -> str:
    lineage, evaluation = report.lineage, report.evaluation
    facts = {
        "Project version": evaluation.project_version,
        "History version": lineage["lake_version"],
        "Periods learnt from": ", ".join(lineage["periods"]["train"]),
        "Rows": f"{lineage['rows']['train']:,} train, {lineage['rows']['validation']:,} validation",
        "Rounds": lineage["rounds"],
        "Trials": len(lineage["trials"]),
        "Validation": f"{METRIC_NAMES[evaluation.metric]} {lineage['validation']['value']:.4f}",
        "Seed": lineage["seed"],
        "Model SHA-256": lineage["model_sha256"],
        "Libraries": ", ".join(f"{name} {v}" for name, v in lineage["libraries"].items()),
        "Golden rows": f"{evaluation.golden_rows}, answered by the server's code as by the batch "
        "scorer",
        "One row": f"{evaluation.row_latency_ms:.3f} ms in process",
    }
    rows = [[escape(name), escape(str(value))] for name, value in facts.items()]
    return section("Lineage", table(["", ""], rows, css="facts"))
