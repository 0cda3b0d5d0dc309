"""The holdout's figures: what Evaluate measures, Decide judges and the mail shows."""

from typing import Literal

from dropforge.drops import ColumnDrift, Document
from dropforge.metrics import Metric, Task

FairnessMetric = Literal["demographic_parity", "equal_opportunity", "equalised_odds"]


class Interval(Document):
    """A figure with its two-sided confidence interval."""

    value: float
    low: float
    high: float


class ModelFigures(Document):
    """One model on the holdout.

    Of a binary model `flagged` is the share of rows decided positive at `threshold`; other tasks
    have neither. `calibration_error` is the expected one, over ten bins of equal numbers of rows.
    """

    version: str
    metrics: dict[Metric, Interval]
    flagged: float | None = None
    recall: float | None = None
    precision: float | None = None
    threshold: float | None = None
    calibration_error: float | None = None


class SwapSet(Document):
    """Rows whose decision changes from champion to challenger, and how many are truly positive."""

    newly_flagged: int
    newly_flagged_positives: int
    no_longer_flagged: int
    no_longer_flagged_positives: int


class Comparison(Document):
    """Challenger minus another model on the same rows, by paired bootstrap.

    `lower` is the one-sided bound of `metric`'s difference at `confidence`, the sign turned so that
    positive is better; `differences` are raw with their two-sided intervals.
    """

    metric: Metric
    confidence: float
    lower: float
    differences: dict[Metric, Interval]
    flagged_difference: float | None = None
    decisions_changed: int | None = None
    swap: SwapSet | None = None
    rows: int
    resamples: int


class GroupFigures(Document):
    """One group of a protected column. A group too small to judge is `assessed=False`.

    `favourable_rate` is of all rows, `opportunity` of those whose outcome is favourable, and
    `undeserved` of the others. `mean_score` beside `positive_rate` is the group's calibration.
    """

    group: str
    rows: int
    positives: int
    favourable_rate: float | None
    opportunity: float | None = None
    undeserved: float | None = None
    mean_score: float | None = None
    positive_rate: float | None = None
    assessed: bool
    note: str | None = None


class FairnessFigures(Document):
    """One protected column: ratios of the least over the greatest group's rate, with intervals.

    `changes` are the challenger's ratios minus the champion's, on the same rows.
    """

    column: str
    ratios: dict[FairnessMetric, Interval] = {}
    changes: dict[FairnessMetric, Interval] = {}
    groups: list[GroupFigures]
    is_feature: bool = False


class SliceFigures(Document):
    """The project's metric on the rows with one value of a column (or one range of it).

    `difference` is challenger minus champion on the slice's rows, raw; `declared` slices are of the
    project's columns, the others were found as the worst ones.
    """

    column: str
    value: str
    rows: int
    positives: int | None = None
    challenger: Interval | None = None
    champion: float | None = None
    difference: Interval | None = None
    declared: bool = True
    assessed: bool = True
    note: str | None = None


class Leak(Document):
    """A column that tells the outcome, or rows that are in both training and holdout.

    `severe`: REJECT by default. `message` is a sentence without values.
    """

    column: str | None
    kind: Literal["predicts_alone", "appears_with_label", "shared_ids"]
    severe: bool
    observed: float
    message: str


class Holdout(Document):
    """The rows that judged. `seen_rows` were left out because the champion has seen them.

    `positives` is None unless the task is binary.
    """

    period: str
    rows: int
    positives: int | None = None
    seen_rows: int = 0
    judged_before: int = 0


class Importance(Document):
    """A feature's share of the total gain and of the mean absolute SHAP value.

    `permutation` is how much the project's metric worsens (positive is worse) when the feature's
    values are shuffled over the holdout's rows.
    """

    feature: str
    share: float
    permutation: float | None = None
    shap: float | None = None


class Evaluation(Document):
    """All that is known of a challenger before it is judged.

    `unstable_features` are those of the project's features.py that change with the rows beside
    them. `refit: all` says that the deployed model was fitted again on all rows after the judged
    one, which stays in the artifact as `judged/model.txt`. `champion_model` says which of such a
    champion's models was compared: the judged one where the deployed one has seen too many rows.
    `component_check` is the server's code answering the golden rows in a fresh process: it is not
    run on a model with unstable features, whose answers depend on how they are asked.
    """

    project: str
    project_version: str
    run: str
    task: Task = "binary"
    metric: Metric
    holdout: Holdout
    challenger: ModelFigures
    champion: ModelFigures | None = None
    champion_problem: str | None = None
    champion_model: Literal["deployed", "judged"] = "deployed"
    comparison: Comparison | None = None
    reference: ModelFigures | None = None
    reference_problem: str | None = None
    reference_comparison: Comparison | None = None
    refit: Literal["none", "all"] = "none"
    fairness: list[FairnessFigures] = []
    slices: list[SliceFigures] = []
    leakage: list[Leak] = []
    unstable_features: list[str] = []
    drift: list[ColumnDrift] = []
    importance: list[Importance] = []
    artifact_uri: str
    artifact_bytes: int
    row_latency_ms: float
    golden_rows: int
    component_check: Literal["passed", "not run"] = "passed"
    report_uri: str
    seconds: float = 0.0
