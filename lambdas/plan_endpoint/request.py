"""The plan's question and answer."""

from typing import Any, Literal

from lambdas.entry import Answer, Request

Action = Literal["none", "create", "update", "wait", "delete", "unchanged"]


class PlanRequest(Request):
    """The model that should be served."""

    project: str
    project_version: str
    run: str
    model_package_arn: str
    version: str
    artifact_uri: str


class PlanAnswer(Answer):
    """What to do. The dictionaries are requests as boto3 takes them.

    `previous_config` is what the endpoint serves now: where a failed deployment returns to.
    `model_exists` and `config_exists`: their names come from their content, so what exists under
    the name is what would be made.
    """

    action: Action
    endpoint: str
    model_name: str | None = None
    config_name: str | None = None
    previous_config: str | None = None
    model_exists: bool = False
    config_exists: bool = False
    create_model: dict[str, Any] | None = None
    create_endpoint_config: dict[str, Any] | None = None
    create_endpoint: dict[str, Any] | None = None
    update_endpoint: dict[str, Any] | None = None
    deployment_config: dict[str, Any] | None = None
