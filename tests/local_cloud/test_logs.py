"""CloudWatch Logs: what a call on a log group is authorised on."""

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud
from tests.local_cloud.conftest import ACCOUNT, REGION, client_of

GROUP = "/contract/logs"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"


def test_a_policy_names_a_log_group_with_a_star_at_its_end(cloud: LocalCloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html"""
    cloud.client("logs").create_log_group(logGroupName=GROUP)
    cloud.client("logs").create_log_stream(logGroupName=GROUP, logStreamName="one")
    with_star = client_of(cloud, "logs-with-star", ("logs:DescribeLogStreams", f"{ARN}:*"))
    found = with_star("logs").describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert [stream["logStreamName"] for stream in found] == ["one"]
    without = client_of(cloud, "logs-without-star", ("logs:DescribeLogStreams", ARN))
    with pytest.raises(ClientError, match="AccessDenied"):
        without("logs").describe_log_streams(logGroupName=GROUP)
