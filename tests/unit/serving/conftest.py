"""A small model, and callers of the ASGI application and of real servers."""

from tests.unit.jobs.conftest import made
from tests.unit.serving.servers import start

__all__ = ["made", "start"]
