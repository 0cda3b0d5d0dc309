"""A stage's settings: its file, the environment over it, and values that make sense."""

import pytest
from pydantic import ValidationError

from infra.settings import STAGES, load_settings

pytestmark = pytest.mark.usefixtures("without_settings")


def test_every_stage_has_a_file() -> None:
    removals = {stage: load_settings(stage).removal for stage in STAGES}
    assert removals == {"dev": "destroy", "staging": "destroy", "prod": "retain"}


def test_prod_logs_nothing_that_a_run_carries() -> None:
    assert load_settings("prod").log_execution_data is False


def test_the_environment_goes_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPFORGE_MAX_RUNTIME__TRAIN", "600")
    monkeypatch.setenv("DROPFORGE_REMOVAL", "retain")
    monkeypatch.setenv("DROPFORGE_MAIL__FAILURES", '["ds@bank.example"]')
    settings = load_settings("dev")
    assert settings.max_runtime.train == 600
    assert settings.retains
    assert settings.mail.failures == ["ds@bank.example"]
    assert settings.mail.results == ["results@dropforge.example"]


def test_the_stage_asked_for_is_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPFORGE_STAGE", "prod")
    monkeypatch.setenv("DROPFORGE_HOME", "/somewhere")
    assert load_settings("dev").stage == "dev"
    assert load_settings("dev").removal == "destroy"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DROPFORGE_REMOVAL", "shred"),
        ("DROPFORGE_INTAKE_CONCURRENCY", "1"),
        ("DROPFORGE_LOG_RETENTION_DAYS", "8"),
        ("DROPFORGE_PROCESSING_INSTANCE_TYPES", '["m5.large"]'),
        ("DROPFORGE_PROCESSING_INSTANCE_TYPES", "[]"),
        ("DROPFORGE_MAIL__RESULTS", '["nobody"]'),
        ("DROPFORGE_MAIL", '{"resluts": []}'),
    ],
)
def test_nonsense_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        load_settings("dev")


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ValidationError):
        load_settings("test")
