"""An artifact's models: the deployed one, and its judged twin where the project refits."""

from pathlib import Path

MODEL = "model.txt"

JUDGED = "judged"
"""In the artifact of a model fitted again on all rows: the folder of the model that was judged."""


def judged_folder(artifact: Path) -> Path:
    """Where an artifact's model lies that was not made from its holdout, beside its row keys."""
    twin = artifact / JUDGED
    return twin if (twin / MODEL).exists() else artifact
