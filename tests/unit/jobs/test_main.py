"""`python -m sagemaker_jobs`: dispatch, and how a job fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dropforge.errors import DropforgeError, NoTrainingData
from sagemaker_jobs import __main__, failure, paths, settings
from tests.unit.jobs.conftest import Made

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def ml_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DROPFORGE_ML_ROOT", str(tmp_path))
    return tmp_path


def test_an_unknown_job_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["dance"]) == 2
    assert __main__.main([]) == 2
    assert "prepare|train|evaluate|score|reproduce|serve" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("job", "file"), [("train", "output/failure"), ("prepare", "output/message")]
)
def test_our_errors_are_told_in_their_own_words(
    ml_root: Path, monkeypatch: pytest.MonkeyPatch, job: str, file: str
) -> None:
    def fail(arguments: list[str]) -> None:
        raise NoTrainingData("Nothing to learn from.", next_command="dropforge drop x.csv")

    monkeypatch.setattr(f"sagemaker_jobs.{job}.main", fail)
    assert __main__.main([job]) == 1
    text = (ml_root / file).read_text()
    assert text == "Nothing to learn from. Next: dropforge drop x.csv"


def test_the_server_says_it_in_its_log_and_writes_no_file(
    ml_root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(arguments: list[str]) -> None:
        raise NoTrainingData("Nothing to learn from.")

    monkeypatch.setattr("sagemaker_jobs.serve.main", fail)
    assert __main__.main(["serve"]) == 1
    assert "serve failed: Nothing to learn from." in caplog.text
    assert list(ml_root.iterdir()) == []


def test_other_errors_name_type_and_message_without_a_trace(
    ml_root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(arguments: list[str]) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("sagemaker_jobs.prepare.main", fail)
    assert __main__.main(["prepare"]) == 1
    assert (ml_root / "output" / "message").read_text() == "ZeroDivisionError: division by zero"
    assert "Traceback" in caplog.text


def test_the_message_fits_into_a_kilobyte_of_whole_characters() -> None:
    text = failure.cut("あ" * 1000)
    assert len(text) <= 1024
    assert text.decode().endswith(" …")
    assert failure.cut("short") == b"short"


def test_settings_name_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPFORGE_STAGE", "dev")
    with pytest.raises(DropforgeError, match="DROPFORGE_LAKE_BUCKET"):
        settings.Settings.from_environment()


def test_the_training_job_as_sagemaker_starts_it(made: Made, ml_root: Path) -> None:
    paths.hyperparameters().parent.mkdir(parents=True)
    parameters = {"project": "loans", "project_version": made.spec.version, "run": "run-1"}
    paths.hyperparameters().write_text(json.dumps(parameters))
    paths.channel("snapshot").parent.mkdir(parents=True)
    paths.channel("snapshot").symlink_to(made.snapshot)
    done = subprocess.run(
        [sys.executable, "-m", "sagemaker_jobs", "train"],
        cwd=ml_root, env={"PYTHONPATH": str(ROOT), "DROPFORGE_ML_ROOT": str(ml_root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model = (ml_root / "model" / "model.txt").read_bytes()
    assert model == (made.artifact / "model.txt").read_bytes()
    assert not (ml_root / "output" / "failure").exists()


def test_prepare_does_not_import_what_only_training_needs() -> None:
    code = (
        "import sys; import sagemaker_jobs.prepare; "
        "print([m for m in ('lightgbm', 'optuna', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_evaluate_needs_no_training_library_either() -> None:
    code = (
        "import sys; import sagemaker_jobs.evaluate, sagemaker_jobs.score; "
        "print([m for m in ('lightgbm', 'optuna', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
