"""How deltalake reaches S3: the same environment that boto3 reads.

Commits are put-if-absent (`aws_conditional_put`), S3's own conditional write: no lock table.
https://delta-io.github.io/delta-rs/usage/writing/writing-to-s3-with-locking-provider/
"""

import os


def storage_options(uri: str) -> dict[str, str]:
    """deltalake's options for a table's URI; none for a local path."""
    if not uri.startswith("s3://"):
        return {}
    options = {"aws_conditional_put": "etag"}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        options["aws_region"] = region
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options["aws_endpoint_url"] = endpoint
        if endpoint.startswith("http://"):
            options["aws_allow_http"] = "true"
    return options
