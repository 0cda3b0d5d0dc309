"""The metrics' definitions, written out row by row."""

import math
from collections.abc import Sequence

from dropforge.metrics import Metric


def slow_metric(
    name: Metric, scores: Sequence[float], labels: Sequence[int], threshold: float
) -> float:
    """A metric of a binary model."""
    pairs = list(zip(scores, labels, strict=True))
    hits = [s for s, label in pairs if label == 1]
    misses = [s for s, label in pairs if label == 0]
    if name == "auc":
        if not hits or not misses:
            return math.nan
        won = sum((h > m) + 0.5 * (h == m) for h in hits for m in misses)
        return won / (len(hits) * len(misses))
    if name == "average_precision":
        return _average_precision(pairs) if hits else math.nan
    if name == "log_loss":
        clipped = [(min(max(s, 1e-15), 1 - 1e-15), label) for s, label in pairs]
        return -sum(math.log(s if label else 1 - s) for s, label in clipped) / len(pairs)
    if name == "brier":
        return sum((s - label) ** 2 for s, label in pairs) / len(pairs)
    found, flagged = sum(s >= threshold for s in hits), sum(s >= threshold for s in scores)
    precision = found / flagged if flagged else 0.0
    recall = found / len(hits) if hits else math.nan
    if name == "f1":
        return 2 * precision * recall / (precision + recall) if found else recall
    return {"recall": recall, "precision": precision}[name]


def _average_precision(pairs: list[tuple[float, int]]) -> float:
    positive = sum(label for _, label in pairs)
    total, found_before = 0.0, 0
    for threshold in sorted({s for s, _ in pairs}, reverse=True):
        flagged = [label for s, label in pairs if s >= threshold]
        total += (sum(flagged) - found_before) / positive * sum(flagged) / len(flagged)
        found_before = sum(flagged)
    return total


def slow_multiclass(
    name: Metric, scores: Sequence[Sequence[float]], labels: Sequence[int]
) -> float:
    """A metric of a model of several classes."""
    decided = [list(row).index(max(row)) for row in scores]
    pairs = list(zip(decided, labels, strict=True))
    if name == "log_loss":
        chances = (max(row[label], 1e-15) for row, label in zip(scores, labels, strict=True))
        return -sum(math.log(chance) for chance in chances) / len(pairs)
    if name == "accuracy":
        return sum(a == b for a, b in pairs) / len(pairs)
    if name == "quadratic_kappa":
        return _kappa(pairs)
    figures = []
    for one in {*decided, *labels}:
        hits = sum(a == one and b == one for a, b in pairs)
        of_decided, of_labels = decided.count(one), list(labels).count(one)
        figures.append(
            {
                "precision": hits / of_decided if of_decided else 0.0,
                "recall": hits / of_labels if of_labels else 0.0,
                "f1": 2 * hits / (of_decided + of_labels),
            }[name]
        )
    return sum(figures) / len(figures)


def _kappa(pairs: list[tuple[int, int]]) -> float:
    """1 - (mean squared distance) / (the same of the two independently drawn)."""
    observed = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    by_chance = sum((a - b) ** 2 for a, _ in pairs for _, b in pairs) / len(pairs) ** 2
    return 1 - observed / by_chance if by_chance else math.nan


def slow_regression(name: Metric, values: Sequence[float], labels: Sequence[float]) -> float:
    """A metric of predicted values."""
    errors = [abs(v - label) for v, label in zip(values, labels, strict=True)]
    if name == "rmse":
        return math.sqrt(sum(error**2 for error in errors) / len(errors))
    if name == "mae":
        return sum(errors) / len(errors)
    shares = [error / abs(label) for error, label in zip(errors, labels, strict=True) if label]
    return sum(shares) / len(shares) if shares else math.nan
