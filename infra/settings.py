"""The settings of a stage: `infra/stages/<stage>.yml`, overridden by `DROPFORGE_…` variables."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

Stage = Literal["dev", "staging", "prod"]
STAGES: tuple[str, ...] = get_args(Stage)
STAGE_FILES = Path(__file__).parent / "stages"

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
TrackingServerArn = Annotated[
    str, Field(pattern=r"^arn:[a-z-]+:sagemaker:[^:]+:\d{12}:mlflow-tracking-server/.+$")
]
LogRetention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 731, 1827, 3653]


class Mail(BaseModel):
    """Who is written to, an address list an event (each must confirm its subscription)."""

    model_config = ConfigDict(extra="forbid")

    results: list[Email] = []
    failures: list[Email] = []
    approvals: list[Email] = []
    alarms: list[Email] = []


class MaxRuntime(BaseModel):
    """After how many minutes SageMaker stops a job."""

    model_config = ConfigDict(extra="forbid")

    prepare: int = Field(default=120, gt=0, le=7200)
    train: int = Field(default=240, gt=0, le=7200)
    evaluate: int = Field(default=120, gt=0, le=7200)
    score: int = Field(default=120, gt=0, le=7200)


class Tracking(BaseModel):
    """An MLflow tracking server that SageMaker manages; trainings are sent to it.

    `artifacts` is the bucket of the server's artifact store: a run's report is put there.
    """

    model_config = ConfigDict(extra="forbid")

    server: Annotated[
        str, Field(pattern=r"^arn:[a-z-]+:sagemaker:[^:]+:\d{12}:mlflow-tracking-server/.+$")
    ]
    artifacts: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]


class StageSettings(BaseSettings):
    """Everything that may differ between stages.

    A nested setting is overridden as `DROPFORGE_MAX_RUNTIME__TRAIN=600`, a list as JSON:
    `DROPFORGE_MAIL__FAILURES='["ds@bank.example"]'`.
    """

    model_config = SettingsConfigDict(
        env_prefix="DROPFORGE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    stage: Stage
    removal: Literal["retain", "destroy"] = "retain"
    log_retention_days: LogRetention = 90
    log_execution_data: bool = False
    mail: Mail = Mail()
    processing_instance_types: list[InstanceType] = Field(
        default=["ml.m5.xlarge", "ml.m6i.xlarge", "ml.m5.2xlarge"], min_length=1, max_length=4
    )
    volume_gb: int = Field(default=30, ge=1, le=16384)
    max_runtime: MaxRuntime = MaxRuntime()
    tracking: Tracking | None = None
    intake_concurrency: int = Field(default=2, ge=2, le=1000)
    keep_noncurrent_days: int = Field(default=365, ge=1)
    compiled_trees: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The call's own arguments, then the environment, then the stage's file."""
        stage = init_settings().get("stage")
        file = YamlConfigSettingsSource(settings_cls, STAGE_FILES / f"{stage}.yml")
        return init_settings, env_settings, file

    @property
    def retains(self) -> bool:
        """Whether data outlives the stack."""
        return self.removal == "retain"


def load_settings(stage: str) -> StageSettings:
    """The settings of one stage.

    Raises:
        pydantic.ValidationError: no such stage, or a value in the file or environment is wrong.
    """
    return StageSettings(stage=stage)  # type: ignore[arg-type]
