"""The search: every trial, the best so far, and the parameters that were chosen."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import accumulate
from typing import Any

from dropforge.metrics import HIGHER_IS_BETTER, METRIC_NAMES
from sagemaker_jobs.report.axis import Axis, Point, around
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.html import Chapter, drawing, grid, note, table
from sagemaker_jobs.report.numbers import figure, number, plural
from sagemaker_jobs.report.svg import Plot

NOT_CHOSEN = frozenset({"number", "value", "rounds", "seconds", "warm_start"})
LISTED = 12

Trial = Mapping[str, Any]


def tuning(report: Report) -> Chapter | None:
    """The search's history as its lineage has it."""
    trials = report.lineage.get("trials") or []
    if not trials:
        return None
    metric = report.evaluation.metric
    better = max if HIGHER_IS_BETTER[metric] else min
    finite = [t for t in trials if math.isfinite(t["value"])]
    best = better(finite or trials, key=lambda trial: float(trial["value"]))
    warm = [is_warm(trial, report.lineage.get("warm_start") or []) for trial in trials]
    drawn = drawing(
        f"{METRIC_NAMES[metric]} on validation, a dot a trial",
        _plot(report, trials, warm),
        keys=[("trial", "s1"), ("best so far", "s3"), ("from an earlier run", "s2")],
        css="fill",
    )
    earlier = f", {sum(warm)} of them from earlier runs" if any(warm) else ""
    count = f"{plural(len(trials), 'parameter set')} tried{earlier}. "
    said = (
        f"{count}The best, number {best['number']}, reached {METRIC_NAMES[metric]} "
        f"{figure(metric, best['value'])} on validation after {best['rounds']} rounds; the "
        "holdout took no part."
    )
    chosen = [[escape(k), escape(_shown(v))] for k, v in chosen_part(best).items()]
    right = f"<div><h3>Parameters of the best</h3>{table(['', ''], chosen, 'facts short')}</div>"
    body = f"<p>{escape(said)}</p>{grid([drawn, right])}{_listed(report, trials, warm)}"
    return Chapter("tuning", "Tuning", body)


def chosen_part(trial: Trial) -> dict[str, Any]:
    """A trial's parameters."""
    return {name: value for name, value in trial.items() if name not in NOT_CHOSEN}


def is_warm(trial: Trial, warm_start: Sequence[Trial]) -> bool:
    """Whether an earlier run's parameters were tried again."""
    if trial.get("warm_start"):
        return True
    chosen = chosen_part(trial)
    return bool(chosen) and any(
        all(_same(earlier.get(name), value) for name, value in chosen.items())
        for earlier in warm_start
    )


def _same(one: Any, other: Any) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return math.isclose(one, other, rel_tol=1e-9) if numbers else bool(one == other)


def _plot(report: Report, trials: Sequence[Trial], warm: Sequence[bool]) -> str:
    metric = report.evaluation.metric
    points = [(float(n), float(t["value"])) for n, t in enumerate(trials, start=1)]
    points = [(x, y) if math.isfinite(y) else (x, math.nan) for x, y in points]
    known = [(x, y, w) for (x, y), w in zip(points, warm, strict=True) if not math.isnan(y)]
    axis = around([y for _, y, _ in known], 0.1)
    plot = Plot(
        f"{METRIC_NAMES[metric]} of every trial on validation, and the best so far",
        Axis(0.5, len(trials) + 0.5, "trial", ticks=_trial_ticks(len(trials))),
        Axis(axis.low, axis.high, f"validation {METRIC_NAMES[metric]}"),
    )
    best = list(accumulate((y for _, y, _ in known), max if HIGHER_IS_BETTER[metric] else min))
    steps: list[Point] = []
    for (x, _, _), y in zip(known, best, strict=True):
        steps += [*([(x, steps[-1][1])] if steps else []), (x, y)]
    plot.line(steps, "s3")
    plot.dots([(x, y) for x, y, w in known if not w], "s1", 3.5)
    plot.dots([(x, y) for x, y, w in known if w], "s2", 4.5)
    return plot.render()


def _trial_ticks(count: int) -> list[tuple[float, str]]:
    step = max(1, math.ceil(count / 8))
    return [(float(n), str(n)) for n in range(1, count + 1, step)]


def _listed(report: Report, trials: Sequence[Trial], warm: Sequence[bool]) -> str:
    metric = report.evaluation.metric
    names = list(dict.fromkeys(name for trial in trials for name in chosen_part(trial)))
    order = sorted(
        range(len(trials)),
        key=lambda n: float(trials[n]["value"]),
        reverse=HIGHER_IS_BETTER[metric],
    )
    rows = [
        [
            f"{trials[n]['number']}{' <span class=tag>earlier</span>' if warm[n] else ''}",
            figure(metric, trials[n]["value"]),
            str(trials[n]["rounds"]),
            *(escape(_shown(trials[n].get(name))) for name in names),
        ]
        for n in order[:LISTED]
    ]
    head = ["Trial", METRIC_NAMES[metric], "Rounds", *map(escape, names)]
    listed = table(head, rows, "rows", numbers=range(1, len(head)))
    more = note(f"The best {LISTED} of {len(trials)}.") if len(trials) > LISTED else ""
    return f"<details><summary>The trials, the best first</summary>{listed}{more}</details>"


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)
