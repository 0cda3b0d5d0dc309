"""What stands for a container: command, paths, environment, life."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import roles
from local.sagemaker.container import Container, reap

PRINT = "import os, sys; print(sys.argv[1:], dict(os.environ))"


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Container]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-account")
    monkeypatch.delenv("DROPFORGE_JOB_COMMAND", raising=False)
    monkeypatch.setattr(roles, "environment", lambda role, name: {"AWS_ACCESS_KEY_ID": role})

    def make(code: str, *arguments: str, **fields: Any) -> Container:
        return Container(tmp_path, "role", ["python", "-c", code], list(arguments), **fields)

    return make


def finish(container: Container) -> str:
    container.start()
    assert container.wait(20)
    return container.log.read_text()


def test_the_root_replaces_opt_ml(container: Callable[..., Container], tmp_path: Path) -> None:
    one = container(
        PRINT, "/opt/ml/a", "--x=/opt/ml/b", "/opt/mlx", environment={"WHERE": "/opt/ml/model"}
    )
    text = finish(one)
    root = str(tmp_path / "ml")
    assert f"['{root}/a', '--x={root}/b', '/opt/mlx']" in text
    assert f"'WHERE': '{root}/model'" in text
    assert one.local("/opt/ml/c") == tmp_path / "ml" / "c"
    with pytest.raises(ValueError, match="does not lie under /opt/ml"):
        one.local("/data")


def test_the_environment_has_the_roles_credentials_only(
    container: Callable[..., Container],
) -> None:
    text = finish(container(PRINT))
    assert "'AWS_ACCESS_KEY_ID': 'role'" in text
    assert "of-the-account" not in text


def test_an_isolated_container_reaches_nothing(container: Callable[..., Container]) -> None:
    text = finish(container(PRINT, isolated=True))
    assert "AWS_ACCESS_KEY_ID" not in text
    assert "AWS_ENDPOINT_URL" not in text


def test_the_tests_command_replaces_the_images_entry_point(
    tmp_path: Path, container: Callable[..., Container], monkeypatch: pytest.MonkeyPatch
) -> None:
    container("")
    monkeypatch.setenv(
        "DROPFORGE_JOB_COMMAND", f"{sys.executable} -c 'import sys; print(sys.argv[1:])'"
    )
    assert "['train']" in finish(Container(tmp_path, "role", None, ["train"]))
    entrypoint = ["python", "-m", "sagemaker_jobs", "score"]
    assert "['score', '1']" in finish(Container(tmp_path, "role", entrypoint, ["1"]))


def test_exit_codes_are_a_containers(container: Callable[..., Container]) -> None:
    failing = container("import sys; sys.exit(3)")
    finish(failing)
    assert failing.exit_code() == 3
    killed = container("import os; os.kill(os.getpid(), 9)")
    finish(killed)
    assert killed.exit_code() == 137


def test_one_that_ignores_sigterm_is_killed(container: Callable[..., Container]) -> None:
    stubborn = container(
        "import signal, time; signal.signal(15, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"
    )
    stubborn.start()
    while "up" not in stubborn.log.read_text():
        time.sleep(0.01)
    stubborn.stop(grace=0.2)
    assert stubborn.exit_code() == 128 + signal.SIGKILL


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_what_a_killed_cloud_left_is_reaped(
    container: Callable[..., Container], tmp_path: Path
) -> None:
    left = container("import time; time.sleep(60)")
    left.start()
    time.sleep(0.2)
    reap(tmp_path)
    assert left.exit_code() == 137


def test_another_process_with_that_pid_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(str(os.getpid()))
    reap(tmp_path)
