"""One local cloud for the session's contract tests, with fake jobs in place of sagemaker_jobs."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud

FAKE_JOBS = Path(__file__).parent / "fake_jobs.py"
ACCOUNT, REGION = "000000000000", "us-east-1"


SETTINGS = {
    "DROPFORGE_JOB_COMMAND": f"{sys.executable} {FAKE_JOBS}",
    "DROPFORGE_PING_DEADLINE": "5",
    "DROPFORGE_INVOCATION_TIMEOUT": "5",
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running cloud on a free port."""
    running = LocalCloud(tmp_path_factory.mktemp("home"), port=0)
    with pytest.MonkeyPatch.context() as patch:
        _set(patch)
        running.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """For clouds that a test starts; tests of other folders run in the same process."""
    _set(monkeypatch)


def _set(patch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        patch.setenv(name, value)


def wait_for(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first true value of the condition; fails after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not true within {seconds} s: {condition}")


def make_event_queue(
    cloud: LocalCloud,
    name: str,
    service: str = "events.amazonaws.com",
) -> tuple[str, str]:
    """A queue that the service may send to; its URL and its ARN."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Principal": {"Service": service},
            }
        ],
    }
    url = cloud.client("sqs").create_queue(
        QueueName=name, Attributes={"Policy": json.dumps(policy)}
    )["QueueUrl"]
    return url, arn


def make_role(
    cloud: LocalCloud, name: str, service: str, *statements: tuple[str | list[str], str | list[str]]
) -> str:
    """A role that the service may assume, allowed the (actions, resources) given; its ARN."""
    iam = cloud.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        ],
    }
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"][
        "Arn"
    ]
    if statements:
        iam.put_role_policy(
            RoleName=name,
            PolicyName="inline",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": actions, "Resource": resources}
                        for actions, resources in statements
                    ],
                }
            ),
        )
    return arn


def client_of(
    cloud: LocalCloud, user: str, *statements: tuple[str | list[str], str | list[str]]
) -> Callable[[str], Any]:
    """Makes boto3 clients of a new user who is allowed only what is given."""
    import boto3

    iam = cloud.client("iam")
    iam.create_user(UserName=user)
    if statements:
        iam.put_user_policy(
            UserName=user,
            PolicyName="inline",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": actions, "Resource": resources}
                        for actions, resources in statements
                    ],
                }
            ),
        )
    key = iam.create_access_key(UserName=user)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    return lambda service: session.client(service, endpoint_url=cloud.info.endpoint_url)
