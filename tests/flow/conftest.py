"""One local cloud with the synthesized template deployed, for all whole runs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.deploy import deploy
from tests.flow.account import Account, write_project

Push = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.flow)


@pytest.fixture(scope="session")
def account(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A running local cloud on a free port, the stage dev deployed to it."""
    cloud = LocalCloud(tmp_path_factory.mktemp("flow") / "home", port=0)
    cloud.start()
    try:
        yield Account(cloud, deploy(assembly, cloud, "dev"))
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def push(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Push:
    """Push a project of that name, with changes to its project file."""
    folder = tmp_path_factory.mktemp("projects")

    def pushed(name: str, **changes: Any) -> None:
        account.dropforge("push", str(write_project(folder, name, **changes)))

    return pushed
