"""The head of the report, and the verdict's rules: what was decided, and why."""

from html import escape

from dropforge.metrics import METRIC_NAMES
from dropforge.verdict import Rule
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, note, outcome, table
from sagemaker_jobs.report.numbers import bounds, count, figure, share

MODES = {"enforced": "", "advisory": "advisory mode", "off": "rules are off"}


def header(report: Report) -> str:
    """The verdict, the sentence why, what it was judged on, and the first figures."""
    verdict = report.verdict
    mode = MODES[verdict.mode]
    tag = f' <span class="tag">{mode}</span>' if mode else ""
    return (
        f'<header><p class="project">{escape(report.spec.name)} · run '
        f"{escape(report.evaluation.run)} · predicts {escape(report.spec.target)}{tag}</p>"
        f'<h1><span class="verdict {verdict.verdict.lower()}">{verdict.verdict}</span> '
        f"{escape(verdict.headline)}</h1><p>{_judged_on(report)}</p>{_tiles(report)}"
        f"{_warnings(report)}</header>"
    )


def rules(report: Report) -> Chapter:
    """Every rule's line; those that do not decide are marked."""
    rows = [
        [_name(rule), escape(rule.required), escape(rule.observed), outcome(rule.outcome)]
        for rule in report.verdict.rules
    ]
    if not rows:
        body = "<p>The project asks for none, and there is no champion yet.</p>"
    else:
        body = table(["Rule", "Required", "Observed", "Outcome"], rows, "rows") + note(
            "A failed <b>absolute</b> rule rejects the model; any other failed rule keeps the "
            "current model. An <b>advisory</b> one decides nothing."
        )
    return Chapter("verdict", "Verdict", body)


def _name(rule: Rule) -> str:
    tag = "" if rule.level == "comparative" else f' <span class="tag">{rule.level}</span>'
    return escape(rule.title) + tag


def _judged_on(report: Report) -> str:
    holdout = report.evaluation.holdout
    positive = "" if holdout.positives is None else f" ({holdout.positives:,} positive)"
    seen = (
        f"; {holdout.seen_rows:,} rows that the champion has seen were left out"
        if holdout.seen_rows
        else ""
    )
    times = holdout.judged_before
    before = (
        f"This holdout has judged {times} model{'s' if times != 1 else ''} before."
        if times
        else "This holdout has judged no model before."
    )
    twin = (
        " What is deployed was fitted once more on all rows, with the same parameters; the figures "
        "are those of the judged twin, which had not seen these rows."
        if report.evaluation.refit == "all"
        else ""
    )
    return (
        f"Judged on {holdout.rows:,} rows of {escape(holdout.period)}{positive} that were not "
        f"learnt from{seen}. {before}{twin}"
    )


def _tiles(report: Report) -> str:
    evaluation, metric = report.evaluation, report.evaluation.metric
    found = evaluation.challenger.metrics[metric]
    tiles = [(figure(metric, found.value), f"{METRIC_NAMES[metric]}, {bounds(metric, found)}")]
    comparison = evaluation.comparison
    if comparison is not None and metric in comparison.differences:
        change = comparison.differences[metric]
        tiles.append(
            (
                figure(metric, change.value, sign=True),
                f"against the champion, {bounds(metric, change, sign=True)}",
            )
        )
    if evaluation.challenger.flagged is not None:
        tiles.append((share(evaluation.challenger.flagged), "of the rows are flagged"))
    else:
        tiles.append((count(evaluation.holdout.rows), f"rows of {evaluation.holdout.period}"))
    total = len(report.verdict.rules)
    failed = sum(rule.outcome == "failed" for rule in report.verdict.rules)
    said = f"rules passed, {failed} failed" if failed else "rules passed"
    tiles.append((f"{report.verdict.passed} of {total}", said))
    cells = (
        f'<div class="tile"><b>{escape(big)}</b><span>{escape(small)}</span></div>'
        for big, small in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _warnings(report: Report) -> str:
    evaluation = report.evaluation
    said = [leak.message for leak in evaluation.leakage if leak.severe]
    if evaluation.unstable_features:
        said.append(
            "These features of features.py change with the rows beside them: "
            f"{', '.join(evaluation.unstable_features)}."
        )
    return "".join(f'<p class="failed">{escape(text)}</p>' for text in said)
