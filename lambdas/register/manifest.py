"""The artifact's hash manifest: what was judged is what ships, and it can be checked."""

import hashlib
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from dropforge import layout
from dropforge.aws.clients import client
from dropforge.aws.documents import list_objects, write_document
from dropforge.errors import ArtifactBroken
from dropforge.layout import S3Uri

REQUIRED = ("model.txt", "features.json", "contract.json", "lineage.json", "golden.jsonl")
_CHUNK = 1 << 20


class FileHash(BaseModel):
    """One file of the artifact."""

    model_config = ConfigDict(frozen=True)

    name: str
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """Every file of an artifact with its hash, by name."""

    model_config = ConfigDict(frozen=True)

    artifact_uri: str
    files: list[FileHash]

    def sha256(self, name: str) -> str | None:
        """A file's hash, or None if the artifact has no such file."""
        return next((file.sha256 for file in self.files if file.name == name), None)


def write_manifest(lake: str, project: str, run: str, artifact_uri: str) -> tuple[str, Manifest]:
    """Hash the artifact's files and write the manifest beside the run's documents.

    Answers its URI, and the manifest.

    Raises:
        ArtifactBroken: a file is missing that the server or a later comparison needs.
    """
    prefix = S3Uri.parse(artifact_uri.rstrip("/") + "/")
    files = sorted(_hashes(prefix), key=lambda file: file.name)
    if missing := sorted(set(REQUIRED) - {file.name for file in files}):
        raise ArtifactBroken(
            f"The artifact {prefix} lacks {', '.join(missing)}. Nothing was registered.",
            next_command=f"dropforge train {project}",
        )
    place = layout.run_root(lake, project, run) / "manifest.json"
    manifest = Manifest(artifact_uri=str(prefix), files=files)
    return write_document(place, manifest), manifest


def _hashes(prefix: S3Uri) -> Iterator[FileHash]:
    for found in list_objects(prefix):
        digest = hashlib.sha256()
        body = client("s3").get_object(Bucket=prefix.bucket, Key=found["Key"])["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            digest.update(chunk)
        name = found["Key"].removeprefix(prefix.key)
        yield FileHash(name=name, bytes=found["Size"], sha256=digest.hexdigest())
