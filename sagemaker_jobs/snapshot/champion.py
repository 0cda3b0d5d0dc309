"""What Prepare needs to know of the champion, read from its artifact in S3."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ReadBytes = Callable[[str], bytes | None]
"""How an object is read: its URI to bytes, None if there is none."""


@dataclass(frozen=True)
class ChampionFacts:
    """`used_periods`: every row of them taught the champion, or helped to choose it."""

    version: str
    used_periods: list[str] = field(default_factory=list)
    baseline: dict[str, Any] | None = None


def read_champion(version: str, artifact_uri: str, read: ReadBytes) -> ChampionFacts:
    """Read lineage.json and baseline.json below an artifact's prefix.

    A champion that cannot be read is no reason to refuse files: Evaluate says what is wrong.
    """
    lineage = read_document(artifact_uri, "lineage.json", read)
    baseline = read_document(artifact_uri, "baseline.json", read)
    if lineage is None:
        return ChampionFacts(version, baseline=baseline)
    return ChampionFacts(
        version,
        used_periods=list(lineage.get("periods", {}).get("whole", [])),
        baseline=baseline,
    )


def read_document(artifact_uri: str, name: str, read: ReadBytes) -> dict[str, Any] | None:
    """A JSON object of an artifact; None if it has no such file, or it holds something else."""
    text = read(f"{artifact_uri.rstrip('/')}/{name}")
    if text is None:
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
