"""What unit tests share: no test speaks to the AWS that another test's mock was."""

from collections.abc import Iterator

import pytest

from dropforge.aws import clients


@pytest.fixture(autouse=True)
def forgotten_clients() -> Iterator[None]:
    """Clients are kept for a process; a test's clients end with it."""
    yield
    clients.client.cache_clear()
    clients.resource.cache_clear()
