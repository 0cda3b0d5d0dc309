"""A project: what to predict, from what, and by which rules. A project is data, not infrastructure.

A project's folder holds `project.yml`, `features.yml` and, optionally, `contract.yml`.
`load_project` reads it into one `ProjectSpec`, whose JSON is what `dropforge push` stores and what
every function and job reads: nobody else parses YAML. docs/projects.md is the reference.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from dropforge.contract import ColumnSpec as ColumnSpec
from dropforge.contract import ContractSpec as ContractSpec
from dropforge.contract import Scalar as Scalar
from dropforge.contract import Share as Share
from dropforge.contract import Strict
from dropforge.dropkey import PROJECT_NAME
from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec as FeaturesSpec
from dropforge.metrics import TASK_METRICS, Metric, Task
from dropforge.period import Unit

Days = Annotated[str, Field(pattern=r"^\d{1,5}d$")]
"""A span of time in whole days, as `90d`."""


class Tune(Strict):
    """The search for parameters: `trials` sets are tried, the best on validation wins."""

    trials: int = Field(default=10, ge=1, le=1000)
    seed: int = 42
    max_rounds: int = Field(default=1000, ge=1)
    early_stopping_rounds: int = Field(default=50, ge=1)
    time_budget_seconds: int | None = Field(default=None, ge=1)


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


class Card(Strict):
    """What people should know of the model, in the project's own words: for its card."""

    purpose: str | None = None
    limits: str | None = None
    owner: str | None = None


class Notify(Strict):
    """Who is mailed, by kind of event."""

    results: list[str] = []
    failures: list[str] = []
    approvals: list[str] = []


class Resources(Strict):
    """Instance types, the first preferred, the next taken when AWS has no capacity of it."""

    processing: list[str] = Field(
        default=["ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.2xlarge"], min_length=1
    )
    training: list[str] = Field(
        default=["ml.m5.xlarge", "ml.c5.2xlarge", "ml.m5.2xlarge"], min_length=1
    )
    endpoint: str = "ml.t2.medium"
    endpoint_instances: int = Field(default=1, ge=1)


class DataCapture(Strict):
    """Which share of the endpoint's requests and answers is kept for monitoring."""

    sampling_percentage: int = Field(default=100, ge=0, le=100)


class ProjectSpec(Strict):
    """A whole project, as stored by `dropforge push` and read by every function and job."""

    name: str
    task: Task = "binary"
    target: str
    id: str
    positive: Scalar = 1
    classes: list[Scalar] = []
    favourable: Scalar | None = None
    group: str | None = None
    period: Unit = "month"
    history: str = "initial"
    metric: Metric
    holdout_share: float = Field(default=0.2, gt=0.0, lt=0.9)
    validation_share: float = Field(default=0.2, gt=0.0, lt=0.9)
    tune: Tune = Tune()
    threshold: Threshold = Threshold(recall=0.6)
    calibration: Literal["none", "sigmoid"] = "none"
    refit: Literal["none", "all"] = "none"
    slices: list[str] = []
    reference: str | None = None
    promotion: Promotion = Promotion()
    approval: Literal["auto", "manual"] = "auto"
    on_unlabelled: Literal["score", "retrain_then_score"] = "score"
    endpoint: Literal["none", "realtime"] = "none"
    capture: DataCapture = DataCapture()
    resources: Resources = Resources()
    notify: Notify = Notify()
    card: Card = Card()
    min_labelled_share: Share = 0.95
    max_rejected_share: Share = 0.0
    label_maturity: Days = "0d"
    retention: Days = "365d"
    same_period: Literal["replace", "append"] = "replace"
    encoding: Literal["utf-8", "utf-16", "cp932", "shift_jis", "latin-1"] = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    protected: list[str] = []
    personal: list[str] = []
    features: FeaturesSpec
    contract: ContractSpec | None = None
    files: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _default_metric(cls, document: Any) -> Any:
        if isinstance(document, dict) and "metric" not in document:
            metrics = TASK_METRICS.get(document.get("task", "binary"))
            return {**document, "metric": metrics[0]} if metrics else document
        return document

    @model_validator(mode="after")
    def _fits_the_task(self) -> Self:
        metrics = TASK_METRICS[self.task]
        for name in (self.metric, *self.promotion.min):
            if name not in metrics:
                raise ValueError(
                    f"metric {name} is not of task {self.task}: one of {', '.join(metrics)}"
                )
        if self.task == "multiclass" and len(self.classes) < 3:
            raise ValueError("task multiclass needs classes: three outcomes or more, in order")
        if self.task != "multiclass" and self.classes:
            raise ValueError(f"classes are for task multiclass, the task is {self.task}")
        if self.task != "binary":
            if self.promotion.fairness or self.promotion.max_flagged_change is not None:
                raise ValueError("fairness and max_flagged_change are for task binary")
            if self.calibration != "none":
                raise ValueError("calibration is for task binary")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not PROJECT_NAME.fullmatch(self.name):
            raise ValueError(
                f"name: {self.name!r} is no project name: lower-case letters, digits, - and _, "
                "starting with a letter, at most 32 characters"
            )
        if self.target == self.id:
            raise ValueError("target and id name the same column")
        for reserved in (self.target, self.id):
            if reserved in self.features.selected:
                raise ValueError(f"features: {reserved!r} is the target or the id, not a feature")
        if self.promotion.fairness and self.favourable is None:
            raise ValueError("promotion.fairness needs favourable: the outcome a person hopes for")
        return self

    @property
    def version(self) -> str:
        """The content's address: 16 hexadecimal characters."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:16]

    @property
    def label_maturity_days(self) -> int:
        """Periods younger than this neither train nor judge."""
        return int(self.label_maturity.removesuffix("d"))

    @property
    def retention_days(self) -> int:
        """How long versions of the history stay readable."""
        return int(self.retention.removesuffix("d"))

    @property
    def protected_columns(self) -> list[str]:
        """Columns that fairness is looked at by: those named, and those with a rule."""
        return list(dict.fromkeys([*self.protected, *self.promotion.fairness]))

    @property
    def personal_columns(self) -> list[str]:
        """Columns of which no value is kept beside the rows: the id, and those marked personal."""
        columns = self.contract.columns if self.contract else {}
        marked = [name for name, column in columns.items() if column.personal]
        return list(dict.fromkeys([self.id, *self.personal, *marked]))

    def canonical_json(self) -> str:
        """The document that is stored and hashed."""
        return self.model_dump_json(indent=1)


def load_project(folder: Path) -> ProjectSpec:
    """Read a project's folder.

    Raises:
        InvalidProject: a file is missing, is not YAML, or breaks the reference; the message names
            the file and the key.
    """
    files: dict[str, str] = {}
    document = _read_yaml(folder / "project.yml", files)
    document["features"] = _read_yaml(folder / "features.yml", files)
    if (folder / "contract.yml").exists():
        document["contract"] = _read_yaml(folder / "contract.yml", files)
    try:
        return ProjectSpec.model_validate({**document, "files": files})
    except ValidationError as error:
        raise InvalidProject(
            _explain(folder, error), next_command=f"edit {folder}, then push"
        ) from error


def parse_project(text: str) -> ProjectSpec:
    """Read back a stored `spec.json`.

    Raises:
        InvalidProject: the document is not one that this release understands.
    """
    try:
        return ProjectSpec.model_validate_json(text)
    except ValidationError as error:
        raise InvalidProject(
            f"The stored project is not one that this release reads: {error.error_count()} "
            "problems. Push it again with this release."
        ) from error


def _read_yaml(path: Path, files: dict[str, str]) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
    except OSError as error:
        raise InvalidProject(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise InvalidProject(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise InvalidProject(f"{path} holds no mapping of keys to values.")
    files[path.name] = text
    return document


def _explain(folder: Path, error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        head, *rest = [str(part) for part in problem["loc"]] or ["project"]
        named = head in ("features", "contract")
        file = f"{head}.yml" if named else "project.yml"
        where = ".".join(rest if named else [head, *rest])
        lines.append(f"{folder / file}: {where + ': ' if where else ''}{problem['msg']}")
    return "\n".join(lines)
