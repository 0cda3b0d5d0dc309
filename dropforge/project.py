"""A project: what to predict, from what, and by which rules. A project is data, not infrastructure.

A project's folder holds `project.yml`, `features.yml` and, optionally, `contract.yml` and
`features.py`. `dropforge.project_folder` reads it into one `ProjectSpec`, whose JSON is what
`dropforge push` stores and what every function and job reads: nobody else parses YAML.
docs/projects.md is the reference.
"""

import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from dropforge.contract import ColumnSpec as ColumnSpec
from dropforge.contract import ContractSpec as ContractSpec
from dropforge.contract import Scalar as Scalar
from dropforge.contract import Share as Share
from dropforge.contract import Strict
from dropforge.dropkey import PROJECT_NAME
from dropforge.endpoint import Approval, check_mode, check_shadow
from dropforge.endpoint import DataCapture as DataCapture
from dropforge.endpoint import DeploymentRules as DeploymentRules
from dropforge.endpoint import EndpointMode as EndpointMode
from dropforge.endpoint import Scaling as Scaling
from dropforge.endpoint import Serverless as Serverless
from dropforge.endpoint import Shadow as Shadow
from dropforge.errors import InvalidProject
from dropforge.features import FeaturesSpec as FeaturesSpec
from dropforge.located import located
from dropforge.metrics import TASK_METRICS, Metric, Task
from dropforge.period import Unit
from dropforge.promotion import ChampionRule as ChampionRule
from dropforge.promotion import Costs as Costs
from dropforge.promotion import FairnessRule as FairnessRule
from dropforge.promotion import Promotion as Promotion
from dropforge.promotion import Threshold as Threshold

Days = Annotated[str, Field(pattern=r"^\d{1,5}d$")]
"""A span of time in whole days, as `90d`."""


class Tune(Strict):
    """The search for parameters: `trials` sets are tried, the best on validation wins."""

    trials: int = Field(default=10, ge=1, le=1000)
    seed: int = 42
    max_rounds: int = Field(default=1000, ge=1)
    early_stopping_rounds: int = Field(default=50, ge=1)
    time_budget_seconds: int | None = Field(default=None, ge=1)


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
    reference: str | None = Field(default=None, pattern=r"^v?[1-9]\d*$")
    promotion: Promotion = Promotion()
    approval: Approval = "auto"
    on_unlabelled: Literal["score", "retrain_then_score"] = "score"
    endpoint: EndpointMode = "none"
    serverless: Serverless = Serverless()
    deployment: DeploymentRules = DeploymentRules()
    scaling: Scaling | None = None
    capture: DataCapture = DataCapture()
    shadow: Shadow | None = None
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
            task = document.get("task", "binary")
            if isinstance(task, str) and task in TASK_METRICS:
                return {**document, "metric": TASK_METRICS[task][0]}
        return document

    @model_validator(mode="after")
    def _fits_the_task(self) -> Self:
        metrics = TASK_METRICS[self.task]
        for name, path in {
            self.metric: ("metric",),
            **{name: ("promotion", "min", name) for name in self.promotion.min},
        }.items():
            if name not in metrics:
                among = ", ".join(metrics)
                raise located(f"{name} is not of task {self.task}: one of {among}", *path)
        if self.task == "multiclass" and len(self.classes) < 3:
            raise located("task multiclass needs three outcomes or more, in order", "classes")
        if self.task != "multiclass" and self.classes:
            raise located(f"is for task multiclass, the task is {self.task}", "classes")
        if twice := [c for i, c in enumerate(self.classes) if c in self.classes[:i]]:
            raise located(f"{twice[0]!r} is there twice", "classes")
        if self.task != "binary":
            self._check_binary_only()
        return self

    def _check_binary_only(self) -> None:
        only = {
            ("promotion", "fairness"): self.promotion.fairness,
            ("promotion", "max_flagged_change"): self.promotion.max_flagged_change is not None,
            ("calibration",): self.calibration != "none",
        }
        for path, is_set in only.items():
            if is_set:
                raise located(f"is for task binary, the task is {self.task}", *path)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not PROJECT_NAME.fullmatch(self.name):
            raise located(
                f"{self.name!r} is no project name: lower-case letters, digits, - and _, "
                "starting with a letter, at most 32 characters",
                "name",
            )
        if self.target == self.id:
            raise located("target and id name the same column", "id")
        if self.promotion.fairness and self.favourable is None:
            raise located(
                "needs favourable: the outcome a person hopes for", "promotion", "fairness"
            )
        for reserved in (self.target, self.id):
            if reserved in self.features.selected:
                place = self.features.place_of(reserved)
                raise located(
                    f"{reserved!r} is the target or the id, not a feature", "features", *place
                )
        return self

    @model_validator(mode="after")
    def _fits_the_endpoint(self) -> Self:
        check_mode(self.endpoint, self.capture, self.deployment, self.scaling)
        check_shadow(self.shadow, self.endpoint, self.approval, self.capture)
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
