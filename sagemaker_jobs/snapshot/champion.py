"""What Prepare needs to know of the champion, read from its artifact in S3."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ReadBytes = Callable[[str], bytes | None]
"""How an object is read: its URI to bytes, None if there is none."""

WARM_STARTS = 5


@dataclass(frozen=True)
class ChampionFacts:
    """`used_periods`: every row of them, or nearly, taught the champion."""

    version: str
    used_periods: list[str] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    baseline: dict[str, Any] | None = None


def read_champion(version: str, artifact_uri: str, read: ReadBytes) -> ChampionFacts:
    """Read lineage.json and baseline.json below an artifact's prefix.

    A champion that cannot be read is no reason to refuse files: Evaluate says what is wrong.
    """
    root = artifact_uri.rstrip("/")
    lineage = _document(read(f"{root}/lineage.json"))
    baseline = _document(read(f"{root}/baseline.json"))
    if lineage is None:
        return ChampionFacts(version, baseline=baseline)
    tried = [lineage.get("parameters"), *lineage.get("warm_start", [])]
    return ChampionFacts(
        version,
        used_periods=list(lineage.get("periods", {}).get("whole", [])),
        parameters=[p for p in tried if isinstance(p, dict)][:WARM_STARTS],
        baseline=baseline,
    )


def _document(text: bytes | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
