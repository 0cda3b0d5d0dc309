"""What the artifact's lineage says of the rows that trained it."""

import hashlib
import json
from typing import Any

from dropforge.aws.documents import read_bytes


def snapshot_hash(artifact_uri: str) -> str | None:
    """One SHA-256 of the snapshot: of its files' hashes, as lineage.json lists them by name."""
    text = read_bytes(f"{artifact_uri.rstrip('/')}/lineage.json")
    lineage: dict[str, Any] = json.loads(text)
    files = lineage.get("snapshot")
    if not isinstance(files, dict) or not files:
        return None
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
