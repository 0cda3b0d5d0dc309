"""Work in a thread, beside the requests that are answered at once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sagemaker_jobs.serving.limits import Limits
from sagemaker_jobs.serving.refusals import Overloaded, TimeExceeded


class Beside:
    """One thread, as a worker has one core, and a queue with an end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._batches = 0
        self._thread: ThreadPoolExecutor | None = None

    async def do(self, work: Callable[[], Any]) -> Any:
        """What the work gives.

        Raises:
            Overloaded: too much waits already.
            TimeExceeded: it took too long; it goes on, and keeps its place until it is done.
        """
        if self._batches >= self._limits.batches:
            raise Overloaded("Too many batches wait already: send it again in a second.")
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._batches += 1
        done = asyncio.get_running_loop().run_in_executor(self._thread, work)
        done.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(done), self._limits.seconds)
        except TimeoutError as error:
            raise TimeExceeded(
                f"The answer took longer than {self._limits.seconds:.0f} s: send fewer rows."
            ) from error

    def _done(self, done: "asyncio.Future[Any]") -> None:
        self._batches -= 1
        if not done.cancelled():
            done.exception()  # asked for, or asyncio would complain of one that nobody waited for
