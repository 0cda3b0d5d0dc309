"""What rooms' tests share: one synthesis of the template takes seconds, so there is one."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

from infra.app import synthesize


@pytest.fixture(autouse=True, scope="session")
def services_read_once() -> Iterator[None]:
    """Every test's clients are new; the descriptions of services that they read are not."""
    patch = pytest.MonkeyPatch()
    create = functools.cache(botocore.session.create_loader)
    patch.setattr(botocore.session, "create_loader", create)
    yield
    patch.undo()


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
def assembly(tmp_path_factory: pytest.TempPathFactory, without_settings: None) -> Path:
    """The cloud assembly of the stage dev."""
    return synthesize(tmp_path_factory.mktemp("dev"), "dev")
