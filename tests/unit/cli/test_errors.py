"""Problems are told: message, next command, exit status 1, no trace unless asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import NoCredentialsError

from dropforge.aws.stack import Stack
from dropforge.cli.main import app
from dropforge.cli.session import Session
from dropforge.commands import WITH_STAGE
from dropforge.errors import StackNotFound

from .conftest import Dropforge


@pytest.fixture
def no_stack(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(stage: str) -> None:
        raise StackNotFound(f"Found no dropforge-{stage}.", next_command="make deploy")

    monkeypatch.setattr(Stack, "find", find)


def test_message_next_command_and_no_trace(no_stack: None, dropforge: Dropforge) -> None:
    result = dropforge("runs", "--stage", "prod")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Problem: Found no dropforge-prod.\nNext:    make deploy\n" in result.stderr
    assert "Traceback" not in result.output


def test_the_next_command_is_for_the_same_stage(
    aws: None, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(stage: str) -> None:
        raise StackNotFound("Found none.", next_command="dropforge runs churn, then look")

    monkeypatch.setattr(Stack, "find", find)
    assert "Next:    dropforge runs --stage prod churn, then look\n" in (
        dropforge("runs", "--stage", "prod").stderr
    )
    monkeypatch.setenv("DROPFORGE_STAGE", "staging")
    assert "dropforge runs --stage staging churn" in dropforge("runs").stderr
    monkeypatch.delenv("DROPFORGE_STAGE")
    assert "Next:    dropforge runs churn, then look\n" in dropforge("runs").stderr


def test_the_commands_with_a_stage_are_known() -> None:
    assert sorted(WITH_STAGE) == sorted(_with_stage(typer.main.get_command(app)))


def _with_stage(command: Any, *path: str) -> Iterator[str]:
    for name, below in getattr(command, "commands", {}).items():
        yield from _with_stage(below, *path, name)
    if any(parameter.name == "stage" for parameter in command.params):
        yield " ".join(path)


def test_debug_lets_the_error_through(no_stack: None, dropforge: Dropforge) -> None:
    result = dropforge("runs", "--debug")
    assert isinstance(result.exception, StackNotFound)


def test_without_region_says_both_ways(
    aws: None, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    result = dropforge("runs")
    assert result.exit_code == 1
    assert "no AWS region is set" in result.stderr
    assert "dropforge up" in result.stderr


def test_without_credentials_says_how_to_log_in(
    aws: None, dropforge: Dropforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(stage: str) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(Stack, "find", refuse)
    result = dropforge("runs")
    assert result.exit_code == 1
    assert "No usable AWS credentials" in result.stderr
    assert "aws sso login" in result.stderr


def test_the_local_cloud_asked_for_and_not_there(aws: None, dropforge: Dropforge) -> None:
    result = dropforge("runs", "--cloud", "local")
    assert result.exit_code == 1
    assert "Next:    dropforge up" in result.stderr
    assert dropforge("env").exit_code == 1


def test_unknown_project_lists_the_pushed_ones(session: Session, dropforge: Dropforge) -> None:
    assert dropforge("push", "credit").exit_code == 0
    result = dropforge("train", "chrun")
    assert result.exit_code == 1
    assert "no project 'chrun' (pushed: credit)" in result.stderr


def test_version(dropforge: Dropforge) -> None:
    assert dropforge("--version").stdout.strip().count(".") == 2
