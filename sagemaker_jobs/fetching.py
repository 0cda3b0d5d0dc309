"""The artifact, read by the server itself where SageMaker does not bring it.

SageMaker downloads an uncompressed artifact for every endpoint but a serverless one
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
"""

import os
from collections.abc import Iterator
from pathlib import Path

from dropforge.errors import ArtifactBroken

ARTIFACT_URI = "DROPFORGE_ARTIFACT_URI"


def fetch_artifact(folder: Path) -> None:
    """Bring the artifact that the environment names to the folder; nothing if it names none.

    Raises:
        ArtifactBroken: there is nothing below the URI.
    """
    uri = os.environ.get(ARTIFACT_URI)
    if uri is None:
        return
    # Only here: an endpoint that has its artifact starts sooner without boto3.
    from dropforge.aws.clients import client
    from dropforge.layout import S3Uri

    source = S3Uri.parse(uri)
    fetched = 0
    for key, name in _files(source.bucket, source.key.rstrip("/") + "/"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        client("s3").download_file(source.bucket, key, str(target))
        fetched += 1
    if not fetched:
        raise ArtifactBroken(f"{ARTIFACT_URI} is {uri}, and there is nothing below it.")


def _files(bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    from dropforge.aws.documents import list_objects

    for item in list_objects(f"s3://{bucket}/{prefix}"):
        if not item["Key"].endswith("/"):
            yield item["Key"], item["Key"].removeprefix(prefix)
