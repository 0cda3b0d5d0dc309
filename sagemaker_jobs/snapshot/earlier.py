"""Warm start: parameter sets that did well before, to be tried anew on today's rows.

Their old values order them and go no further: they were measured on other rows.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dropforge.ledger import Champion, RegisteredModel
from dropforge.metrics import HIGHER_IS_BETTER, Metric, Task
from sagemaker_jobs.snapshot.champion import ReadBytes, read_document

WARM_STARTS = 5
MODELS = 20
"""How many of the newest registered models are looked at, whatever their verdict."""

_OF_A_TRIAL = ("number", "value", "rounds")

Parameters = dict[str, Any]


@dataclass(frozen=True)
class _Tried:
    """A parameter set, the value it reached then, and whether a model was made with it."""

    parameters: Parameters
    value: float
    shipped: bool


def earlier_artifacts(models: Sequence[RegisteredModel], champion: Champion | None) -> list[str]:
    """The artifacts to look into: the newest models', and the champion's. `models` oldest first."""
    uris = [model.artifact_uri for model in reversed(models[-MODELS:])]
    if champion is not None:
        uris.append(champion.artifact_uri)
    return list(dict.fromkeys(uris))


def earlier_parameters(
    artifacts: Sequence[str], task: Task, metric: Metric, read: ReadBytes
) -> list[Parameters]:
    """The best five parameter sets of earlier models that were tuned for the same metric.

    First those that models were made with, the best first; other trials of those models fill what
    is left. An artifact that cannot be read has none.
    """
    tried = [item for uri in artifacts for item in _tried(uri, task, metric, read)]
    sign = -1 if HIGHER_IS_BETTER[metric] else 1
    ranked = sorted(tried, key=lambda item: (not item.shipped, sign * item.value))
    distinct: dict[str, Parameters] = {}
    for item in ranked:
        distinct.setdefault(json.dumps(item.parameters, sort_keys=True), item.parameters)
    return list(distinct.values())[:WARM_STARTS]


def _tried(uri: str, task: Task, metric: Metric, read: ReadBytes) -> Iterator[_Tried]:
    lineage = read_document(uri, "lineage.json", read)
    if lineage is None or lineage.get("task", "binary") != task:
        return
    reached = lineage.get("validation", {})
    if reached.get("metric") != metric:
        return
    trials = [trial for trial in lineage.get("trials", []) if isinstance(trial, dict)]
    searched = {name for trial in trials for name in trial if name not in _OF_A_TRIAL}
    # The rest of a model's parameters is fixed by the release, and no trial's choice.
    chosen = {k: v for k, v in lineage.get("parameters", {}).items() if k in searched}
    if chosen and _is_value(reached.get("value")):
        yield _Tried(chosen, reached["value"], shipped=True)
    for trial in trials:
        if _is_value(trial.get("value")):
            parameters = {name: trial[name] for name in trial if name not in _OF_A_TRIAL}
            yield _Tried(parameters, trial["value"], shipped=False)


def _is_value(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
