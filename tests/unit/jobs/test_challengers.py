"""Scripted challengers: what is found of each on the same holdout, and the verdict on it.

Every model is trained on one column of the same rows, so that its quality is known beforehand.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropforge.evaluation import Evaluation
from dropforge.project import ProjectSpec, parse_project
from dropforge.verdict import Verdict, decide
from sagemaker_jobs.evaluate import evaluate
from sagemaker_jobs.history.table import History
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.snapshot.columns import KEY
from sagemaker_jobs.snapshot.keys import FILE as ROW_KEYS
from sagemaker_jobs.snapshot.keys import write_keys
from sagemaker_jobs.train import train
from tests.unit.jobs.conftest import with_lines

COLUMNS = ["fair", "weak", "good", "near", "biased", "paid"]
BATCH = """
import pandas as pd

def features(frame):
    return pd.DataFrame({"above_mean": frame["good"] - frame["good"].mean()})
"""


def make_spec(**changes: Any) -> ProjectSpec:
    document = {
        "name": "loans",
        "target": "default",
        "id": "loan_id",
        "favourable": 0,
        "protected": ["sex"],
        "tune": {"trials": 1, "max_rounds": 40, "early_stopping_rounds": 10},
        "threshold": {"flagged": 0.3},
        "promotion": {"fairness": {"sex": {"demographic_parity": 0.8}}},
        "features": {"keep": COLUMNS},
    }
    return ProjectSpec.model_validate({**document, **changes})


def rows(count: int = 6000) -> pa.Table:
    """`fair` tells something of the outcome, `weak` less, `good` more, `near` hardly less than it.

    `biased` is `good`, raised for men, who default no more often than women.
    """
    rng = np.random.default_rng(11)
    risk = rng.normal(0, 1.5, count)
    default = rng.uniform(size=count) < 1 / (1 + np.exp(1 - risk))
    fair = risk + rng.normal(0, 1.5, count)
    good = risk + rng.normal(0, 0.5, count)
    sex = rng.choice(["f", "m"], count)
    return pa.table(
        {
            "loan_id": [f"{n:05d}" for n in range(count)],
            "sex": sex,
            "fair": fair,
            "weak": risk + rng.normal(0, 5, count),
            "good": good,
            "near": good + rng.normal(0, 0.2, count),
            "biased": good + 1.3 * (sex == "m"),
            "paid": np.where(default, 0.0, 100.0) + rng.normal(0, 1, count),
            "default": np.where(default, "1", "0"),
        }
    )


class Bench:
    """One snapshot, and a model per set of features, trained when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        history = History(str(folder / "history"))
        history.replace("initial", with_lines(rows()), "drop-1")
        uri = "s3://the-lake/snapshot/"
        self.snapshot = build_snapshot(make_spec(), history, None, folder / "all", uri).folder

    def model(self, name: str, **changes: Any) -> Path:
        """The artifact of a model on these features; nobody's to change."""
        artifact = self._folder / f"model-{name}"
        if not artifact.exists():
            features = changes.pop("features", {"keep": [name]})
            train(self.of(make_spec(features=features, **changes)), artifact, run=name)
        return artifact

    def of(self, spec: ProjectSpec) -> Path:
        """The same rows under another project file."""
        folder = self._folder / f"snapshot-{spec.version}"
        if not folder.exists():
            shutil.copytree(self.snapshot, folder)
            (folder / "spec.json").write_text(spec.canonical_json())
        return folder


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("challengers"))


@pytest.fixture
def champion(bench: Bench, tmp_path: Path) -> Path:
    """A copy of the model in production, to be broken."""
    return Path(shutil.copytree(bench.model("fair"), tmp_path / "champion"))


def judge(
    snapshot: Path, artifact: Path, folder: Path, champion: Path | None, **changes: Any
) -> tuple[Evaluation, Verdict]:
    challenger = shutil.copytree(artifact, folder / "challenger")
    evaluate(
        snapshot=snapshot,
        artifact=challenger,
        champion=champion,
        champion_version="1" if champion else None,
        out=folder / "out",
        run="run-2",
        artifact_uri="s3://the-lake/models/loans/run-2/",
        report_uri="s3://the-lake/runs/loans/run-2/report.html",
        **changes,
    )
    found = Evaluation.model_validate_json((folder / "out" / "evaluation.json").read_text())
    return found, decide(parse_project((snapshot / "spec.json").read_text()), found)


def rule(verdict: Verdict, name: str) -> str:
    (found,) = [item for item in verdict.rules if item.name == name]
    return found.outcome


def test_a_worse_one(bench: Bench, champion: Path, tmp_path: Path) -> None:
    found, verdict = judge(bench.snapshot, bench.model("weak"), tmp_path, champion)
    assert found.comparison is not None
    assert found.comparison.differences["auc"].high < 0
    assert found.comparison.lower < found.comparison.differences["auc"].value
    assert verdict.verdict == "HOLD"
    assert found.slices  # all rows are worse, so the larger slices are
    assert all(item.difference is None or item.difference.high < 0 for item in found.slices)


def test_an_equal_one(bench: Bench, champion: Path, tmp_path: Path) -> None:
    found, verdict = judge(bench.snapshot, champion, tmp_path, champion)
    assert found.comparison is not None
    assert found.comparison.lower == 0
    assert found.comparison.decisions_changed == 0
    assert found.comparison.swap is not None
    assert found.comparison.swap.newly_flagged == found.comparison.swap.no_longer_flagged == 0
    assert {change.value for item in found.fairness for change in item.changes.values()} == {0}
    assert verdict.verdict == "HOLD"


def test_a_better_one_that_is_not_provably_better(bench: Bench, tmp_path: Path) -> None:
    near = bench.model("near")
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, near)
    assert found.comparison is not None
    assert found.comparison.differences["auc"].value > 0
    assert found.comparison.lower < 0
    assert verdict.verdict == "HOLD"


def test_a_provably_better_one(bench: Bench, champion: Path, tmp_path: Path) -> None:
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, champion)
    assert found.comparison is not None
    assert found.comparison.lower > 0.02
    swap, holdout = found.comparison.swap, found.holdout
    assert swap is not None
    changed = swap.newly_flagged + swap.no_longer_flagged
    assert changed == found.comparison.decisions_changed
    flagged = (swap.newly_flagged - swap.no_longer_flagged) / holdout.rows
    assert found.comparison.flagged_difference == pytest.approx(flagged)
    # Those newly flagged default more often than those let go.
    hits, misses = swap.newly_flagged_positives, swap.no_longer_flagged_positives
    assert hits / swap.newly_flagged > misses / swap.no_longer_flagged
    assert verdict.verdict == "PROMOTE"
    assert found.leakage == []


def test_better_overall_but_worse_for_a_protected_group(
    bench: Bench, champion: Path, tmp_path: Path
) -> None:
    found, verdict = judge(bench.snapshot, bench.model("biased"), tmp_path, champion)
    assert found.comparison is not None
    assert found.comparison.lower > 0
    (sex,) = found.fairness
    assert not sex.is_feature
    assert sex.ratios["demographic_parity"].high < 0.8
    assert sex.changes["demographic_parity"].high < 0
    assert verdict.verdict == "REJECT"
    assert "sex" in verdict.headline


def test_a_leaking_column(bench: Bench, champion: Path, tmp_path: Path) -> None:
    found, verdict = judge(bench.snapshot, bench.model("paid"), tmp_path, champion)
    (leak,) = found.leakage
    assert (leak.column, leak.kind, leak.severe) == ("paid", "predicts_alone", True)
    assert verdict.verdict == "REJECT"
    assert "paid" in verdict.headline


def test_code_that_depends_on_the_batch(bench: Bench, champion: Path, tmp_path: Path) -> None:
    features = {"keep": ["good"], "python": {"reads": ["good"], "gives": ["above_mean"]}}
    files = {"features.py": BATCH}
    artifact = bench.model("batch", features=features, files=files)
    snapshot = bench.of(make_spec(features=features, files=files))
    found, verdict = judge(snapshot, artifact, tmp_path, champion)
    assert found.unstable_features == ["above_mean"]
    assert verdict.verdict == "REJECT"
    assert "above_mean" in verdict.headline
    assert found.component_check == "not run"


def test_a_holdout_that_the_champion_has_seen(bench: Bench, champion: Path, tmp_path: Path) -> None:
    keys = pq.read_table(bench.snapshot / "holdout.parquet").column(KEY).to_numpy()
    write_keys(champion, keys)
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, champion)
    assert found.holdout.seen_rows == len(keys) == found.holdout.rows
    assert found.comparison is None
    assert found.champion_problem is not None
    assert verdict.verdict == "HOLD"


def test_too_few_positives(bench: Bench, champion: Path, tmp_path: Path) -> None:
    keys = pq.read_table(bench.snapshot / "holdout.parquet").column(KEY).to_numpy()
    write_keys(champion, keys[200:])
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, champion)
    assert found.holdout.rows == 200
    assert found.holdout.positives is not None
    assert 0 < found.holdout.positives < 100
    assert rule(verdict, "clean holdout") == "failed"
    assert verdict.verdict == "HOLD"


def test_no_champion(bench: Bench, tmp_path: Path) -> None:
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, None)
    assert found.champion is None
    assert found.champion_problem is None
    assert all(item.changes == {} for item in found.fairness)
    assert verdict.verdict == "PROMOTE"


def test_a_champion_that_cannot_be_loaded(bench: Bench, champion: Path, tmp_path: Path) -> None:
    (champion / "model.txt").write_text("tree\nnonsense")
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, champion)
    assert found.comparison is None
    assert found.champion_problem is not None
    assert verdict.verdict == "HOLD"
    assert found.challenger.metrics["auc"].value > 0.7


def test_a_champion_of_another_task(bench: Bench, champion: Path, tmp_path: Path) -> None:
    contract = json.loads((champion / "contract.json").read_text())
    contract["output"] |= {"task": "regression", "threshold": None}
    (champion / "contract.json").write_text(json.dumps(contract))
    found, verdict = judge(bench.snapshot, bench.model("good"), tmp_path, champion)
    assert found.champion_problem is not None
    assert "predicts a regression outcome, the new model a binary one" in found.champion_problem
    assert verdict.verdict == "HOLD"


def test_a_challenger_that_has_learnt_the_holdout(bench: Bench, tmp_path: Path) -> None:
    keys = pq.read_table(bench.snapshot / "holdout.parquet").column(KEY).to_numpy()
    learnt = Path(shutil.copytree(bench.model("good"), tmp_path / "learnt"))
    write_keys(learnt, keys[:10])
    found, verdict = judge(bench.snapshot, learnt, tmp_path, None)
    (leak,) = found.leakage
    assert (leak.kind, leak.severe, leak.observed) == ("shared_ids", True, 10 / len(keys))
    assert verdict.verdict == "REJECT"


def test_the_reference_model_on_the_same_rows(bench: Bench, champion: Path, tmp_path: Path) -> None:
    """The chain of small drops: hardly worse than the champion, much worse than the first."""
    found, _ = judge(
        bench.snapshot, bench.model("fair"), tmp_path, champion,
        reference=bench.model("good"), reference_version="0",
    )  # fmt: skip
    assert found.reference is not None
    assert found.reference.version == "0"
    assert found.reference_comparison is not None
    assert found.reference_comparison.rows == found.holdout.rows
    assert found.reference_comparison.differences["auc"].high < 0
    assert found.comparison is not None
    assert found.comparison.lower == 0
    alone, _ = judge(bench.snapshot, bench.model("good"), tmp_path / "alone", None)
    assert alone.challenger.metrics["auc"] == found.reference.metrics["auc"]


def test_rows_that_the_reference_has_seen_are_left_out_for_it_alone(
    bench: Bench, champion: Path, tmp_path: Path
) -> None:
    keys = pq.read_table(bench.snapshot / "holdout.parquet").column(KEY).to_numpy()
    reference = Path(shutil.copytree(bench.model("good"), tmp_path / "reference"))
    write_keys(reference, keys[:300])
    options = {"reference": reference, "reference_version": "0"}
    found, _ = judge(bench.snapshot, bench.model("weak"), tmp_path, champion, **options)
    assert found.reference_comparison is not None
    assert found.comparison is not None
    assert found.comparison.rows == len(keys)
    assert found.reference_comparison.rows == len(keys) - 300
    write_keys(reference, keys)
    found, _ = judge(bench.snapshot, bench.model("weak"), tmp_path / "all", champion, **options)
    assert found.reference is None
    assert found.reference_problem == "it has seen all of one outcome's rows in the holdout"


def test_a_champion_fitted_again_is_judged_by_its_twin(bench: Bench, tmp_path: Path) -> None:
    """It has seen the whole holdout; the model that it was chosen as has not."""
    refitted = bench.model("refit", features={"keep": ["good"]}, refit="all")
    keys = pq.read_table(bench.snapshot / "holdout.parquet").column(KEY).to_numpy()
    assert np.isin(keys, np.frombuffer((refitted / ROW_KEYS).read_bytes(), "<u8")).all()
    found, verdict = judge(bench.snapshot, bench.model("fair"), tmp_path, refitted)
    assert found.champion_model == "judged"
    assert found.holdout.seen_rows == 0
    assert found.comparison is not None
    assert found.comparison.differences["auc"].high < 0
    assert verdict.verdict == "HOLD"


def test_of_a_refitting_project_the_twin_is_judged_and_the_other_served(
    bench: Bench, tmp_path: Path
) -> None:
    refitted = bench.model("refit", features={"keep": ["good"]}, refit="all")
    found, _ = judge(bench.snapshot, refitted, tmp_path, None)
    assert found.refit == "all"
    assert found.leakage == []
    alone, _ = judge(bench.snapshot, bench.model("good"), tmp_path / "alone", None)
    assert found.challenger.metrics == alone.challenger.metrics
    files = [path for path in (tmp_path / "challenger").rglob("*") if path.is_file()]
    assert found.artifact_bytes <= sum(path.stat().st_size for path in files)
    assert found.artifact_bytes > alone.artifact_bytes
