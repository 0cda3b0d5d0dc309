"""CloudWatch Logs: FilterLogEvents by prefix of stream names."""

from typing import Any

from ministack.services import cloudwatch_logs


def install() -> None:
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
