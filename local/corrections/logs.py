"""CloudWatch Logs: FilterLogEvents by prefix of streams; the ARN that calls are authorised on."""

from typing import Any

from ministack.core import iam_actions
from ministack.services import cloudwatch_logs


def install() -> None:
    """Installs both corrections."""
    _filter_by_prefix()
    _authorise_on_groups()


def _authorise_on_groups() -> None:
    """A log group's ARN ends with `:*` in policies (the emulator asks for it without).

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, *rest: Any) -> str:
        arn: str = original(service, *rest)
        group = service == "logs" and ":log-group:" in arn
        return f"{arn}:*" if group and not arn.endswith(":*") else arn

    iam_actions.extract_resource_arn = extract_resource_arn


def _filter_by_prefix() -> None:
    """`logStreamNamePrefix` counts (the emulator ignores it and returns every stream)."""
    filter_log_events = cloudwatch_logs._filter_log_events

    def by_prefix(data: dict[str, Any]) -> Any:
        prefix = data.get("logStreamNamePrefix")
        if prefix and not data.get("logStreamNames"):
            group = cloudwatch_logs._log_groups.get(cloudwatch_logs._resolve_log_group_name(data))
            streams = [name for name in (group or {}).get("streams", {}) if name.startswith(prefix)]
            data = data | {"logStreamNames": streams or ["none has this name"]}
        return filter_log_events(data)

    cloudwatch_logs._filter_log_events = by_prefix
