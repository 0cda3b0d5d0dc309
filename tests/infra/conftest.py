"""One Node process and one synthesis a stage for all tests: each takes seconds."""

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
def dev(assembly: Path) -> Template:
    return Template(assembly, "dev")


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory, without_settings: None) -> Template:
    return Template(synthesize(tmp_path_factory.mktemp("prod"), "prod"), "prod")


@pytest.fixture(params=["pipeline", "deployment"])
def machine(request: pytest.FixtureRequest, dev: Template) -> dict[str, object]:
    return dev.machine(request.param)
