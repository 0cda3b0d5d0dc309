"""One Node process and one synthesis a stage for all tests: each takes seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.app import synthesize
from tests.infra.template import Template


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.infra)


@pytest.fixture(scope="session")
def without_settings() -> Iterator[None]:
    """What the templates are must not depend on who runs the tests."""
    patch = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith(("DROPFORGE_", "AWS_", "CDK_")):
            patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory, without_settings: None) -> Template:
    return Template(synthesize(tmp_path_factory.mktemp("dev"), "dev"), "dev")


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory, without_settings: None) -> Template:
    return Template(synthesize(tmp_path_factory.mktemp("prod"), "prod"), "prod")


@pytest.fixture(params=["pipeline", "deployment"])
def machine(request: pytest.FixtureRequest, dev: Template) -> dict[str, object]:
    return dev.machine(request.param)
