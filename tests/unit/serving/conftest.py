"""A small model, and callers of the ASGI application and of real servers."""

from tests.unit.jobs.conftest import made

__all__ = ["made"]
