"""A model made again from its lineage: the same rows, parameters and rounds, and no search."""

from pathlib import Path
from typing import Any

from dropforge.project import parse_project
from sagemaker_jobs.artifact.contract import write_contract
from sagemaker_jobs.artifact.twin import JUDGED
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.learning.decision import fit_output
from sagemaker_jobs.learning.files import fit_into, split_source, write_model
from sagemaker_jobs.learning.tune import fit_rounds


def replay(snapshot: Path, lineage: dict[str, Any], out: Path) -> None:
    """Write what Train writes to `out`, but for lineage.json.

    `snapshot` is the folder that Prepare wrote for the
    lineage's run, or one made again from the same version of the history. On the same image and
    architecture every file is byte for byte the artifact's.
    """
    spec = parse_project((snapshot / "spec.json").read_text(encoding="utf-8"))
    features = fit_into(out, spec, snapshot)
    loader, rounds, judged = lineage["loader"], lineage["rounds"], lineage["judged"]
    train, validation = (
        split_source(snapshot, [name], features, loader) for name in ("train", "validation")
    )
    folder, parameters = out, lineage["parameters"]
    if judged:
        whole = split_source(snapshot, lineage["rows"], features, loader)
        write_model(out, fit_rounds(whole, parameters, rounds), parameters, [whole])
        folder, parameters = out / JUDGED, judged["parameters"]
    text = fit_rounds(train, parameters, rounds)
    write_model(folder, text, parameters, [train, validation])
    output = fit_output(spec, Booster(folder / "model.txt"), validation)
    write_contract(out, spec, features, output, lineage["split"]["known_columns"])
