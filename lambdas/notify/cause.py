"""The cause of a failure, with the last lines of the job that died."""

import re

from botocore.exceptions import ClientError

from dropforge.aws.clients import client, error_code
from dropforge.runs import Failure

LINES = 20
LINE_WIDTH = 240

# A `.sync` task's cause is the job's describe document, which Step Functions may have cut off.
_JOB = re.compile(r'"(Training|Processing)JobName"\s*:\s*"([A-Za-z0-9-]{1,63})"')
_GROUPS = {
    "Training": "/aws/sagemaker/TrainingJobs",
    "Processing": "/aws/sagemaker/ProcessingJobs",
}


def find_failure(failure: Failure) -> Failure:
    """The failure with its job's name and the job's last log lines, if a job caused it."""
    match = _JOB.search(failure.cause)
    if match is None:
        return failure
    kind, job = match.groups()
    return failure.model_copy(update={"job": job, "log": log_tail(_GROUPS[kind], job)})


def log_tail(group: str, job: str) -> list[str]:
    """The last lines a job wrote, oldest first.

    SageMaker writes to `<job>/<host>…` streams
    (https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html). A job that died
    before its first line has no stream. The mail goes out without the lines if they cannot be
    read; it says why.
    """
    logs = client("logs")
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")
        events = [
            event
            for stream in streams["logStreams"]
            for event in logs.get_log_events(
                logGroupName=group,
                logStreamName=stream["logStreamName"],
                startFromHead=False,
                limit=LINES,
            )["events"]
        ]
    except ClientError as error:
        code = error_code(error)
        if code == "ResourceNotFoundException":
            return []
        return [f"(the log {group} could not be read: {code})"]
    latest = sorted(events, key=lambda event: event["timestamp"])[-LINES:]
    return [_line(event["message"]) for event in latest]


def _line(message: str) -> str:
    text = message.rstrip()
    return text if len(text) <= LINE_WIDTH else text[: LINE_WIDTH - 3] + "..."
