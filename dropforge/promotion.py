"""When a model decides and when it is promoted: `threshold` and `promotion` of project.yml."""

from typing import Literal, Self

from pydantic import Field, model_validator

from dropforge.contract import Share, Strict
from dropforge.metrics import Metric


class Costs(Strict):
    """What a wrong decision costs, in any one unit."""

    false_positive: float = Field(gt=0)
    false_negative: float = Field(gt=0)


class Threshold(Strict):
    """How the decision threshold is chosen on the validation rows: exactly one rule."""

    recall: Share | None = None
    precision: Share | None = None
    flagged: Share | None = None
    cost: Costs | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (
            sum(rule is not None for rule in (self.recall, self.precision, self.flagged, self.cost))
            != 1
        ):
            raise ValueError("name exactly one of recall, precision, flagged, cost")
        return self


class ChampionRule(Strict):
    """The challenger must beat the champion by more than `margin` with `confidence` (one-sided)."""

    margin: float = 0.0
    confidence: Share = 0.90


class FairnessRule(Strict):
    """Bounds for the groups of one protected column.

    The ratios are the least group's rate over the greatest: `demographic_parity` of favourable
    decisions, `equal_opportunity` of favourable decisions among those whose outcome is favourable,
    `equalised_odds` the lesser of that and the same among the others. `max_worsening` is how much
    lower than the champion's each of the named ratios may be.
    """

    demographic_parity: Share | None = None
    equal_opportunity: Share | None = None
    equalised_odds: Share | None = None
    max_worsening: Share | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any((self.demographic_parity, self.equal_opportunity, self.equalised_odds)):
            raise ValueError("name demographic_parity, equal_opportunity or equalised_odds")
        return self


class Promotion(Strict):
    """Which model is promoted. `min` maps a metric to its absolute minimum (maximum for losses).

    `max_slice_drop` and `max_reference_drop` are in the project's metric, on the same rows as the
    champion's and the reference model's; `max_size_mb` of the whole artifact; `max_latency_ms` of
    one row is advisory.
    """

    mode: Literal["enforced", "advisory", "off"] = "enforced"
    min: dict[Metric, float] = {}
    champion: ChampionRule = ChampionRule()
    fairness: dict[str, FairnessRule] = {}
    min_positives: int = Field(default=100, ge=1)
    max_slice_drop: float | None = Field(default=None, ge=0.0)
    max_reference_drop: float | None = Field(default=None, ge=0.0)
    max_flagged_change: Share | None = None
    max_size_mb: float | None = Field(default=None, gt=0.0)
    max_latency_ms: float | None = Field(default=None, gt=0.0)
    leakage: Literal["reject", "warn"] = "reject"
