"""The plan's question and answer."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from dropforge.ledger import ShadowRequest
from lambdas.entry import Answer, Request

Action = Literal["none", "create", "update", "replace", "wait", "delete", "unchanged"]
StepAction = Literal["put_alarm", "register", "deregister", "put_policy", "put_schedule"]


class PlanRequest(Request):
    """The model that should be served. `replace`: an interruption is allowed, if one is needed.

    `shadow` asks for a change beside the champion: then that is the model, whoever it is by now.
    """

    project: str
    project_version: str
    run: str
    model_package_arn: str
    version: str
    artifact_uri: str
    replace: bool = False
    shadow: ShadowRequest | None = None


class Step(BaseModel):
    """One more call: PutMetricAlarm, or one of Application Auto Scaling's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: StepAction
    request: dict[str, Any]


class PlannedShadow(BaseModel):
    """The model that gets copies of so many percent of the requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    percent: int


class PlanAnswer(Answer):
    """What to do. The dictionaries are requests as boto3 takes them.

    `previous_config` is what the endpoint serves now: where a failed deployment returns to, by
    `restore_endpoint`, or by `recreate_endpoint` once the endpoint is deleted, which is the only
    way if the former is missing.
    `model_exists` and `config_exists`: their names come from their content, so what exists under
    the name is what would be made. `target_variant` is the one to test if there are several.
    `before` an update: alarms are made, and scaling taken off if it would forbid the update.
    `after` the test: scaling put (back) on. `undo` puts the scaling of before back.
    `rollout` says how traffic moves, `notes` what a person should know. `shadow` is ours beside the
    model; `create_shadow_model` is made unless `shadowmodel_exists`.
    """

    action: Action
    endpoint: str
    version: str
    model_package_arn: str
    artifact_uri: str
    shadow: PlannedShadow | None = None
    create_shadow_model: dict[str, Any] | None = None
    shadowmodel_exists: bool = True
    model_name: str | None = None
    config_name: str | None = None
    previous_config: str | None = None
    model_exists: bool = False
    config_exists: bool = False
    create_model: dict[str, Any] | None = None
    create_endpoint_config: dict[str, Any] | None = None
    create_endpoint: dict[str, Any] | None = None
    update_endpoint: dict[str, Any] | None = None
    restore_endpoint: dict[str, Any] | None = None
    recreate_endpoint: dict[str, Any] | None = None
    deployment_config: dict[str, Any] | None = None
    target_variant: str | None = None
    latency_ms: float | None = None
    before: list[Step] = []
    after: list[Step] = []
    undo: list[Step] = []
    rollout: str | None = None
    notes: list[str] = []
