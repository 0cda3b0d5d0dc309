"""Which fleet answers a request, and when a fleet that answers no more may end."""

import contextlib
import threading
from collections.abc import Iterator

from local.sagemaker.fleet import Fleet, Member
from local.sagemaker.serving import invocation_timeout


class Traffic:
    """The blue fleet of an endpoint and, during an update, the green one with its share.

    A request is counted in before the fleet can be taken out of the traffic, so whoever drains a
    fleet after a shift waits for every request that it was given:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
    """

    def __init__(self, blue: Fleet) -> None:
        self._lock = threading.Lock()
        self._blue = blue
        self._green: Fleet | None = None
        self._share = 0.0
        self._owed = 0.0
        self._leaving: set[Fleet] = set()

    @property
    def blue(self) -> Fleet:
        """The fleet whose configuration the endpoint has."""
        with self._lock:
            return self._blue

    @property
    def mixed(self) -> bool:
        """Whether two fleets answer."""
        with self._lock:
            return self._green is not None

    @contextlib.contextmanager
    def take(self, variant: str | None) -> Iterator[tuple[Fleet, Member]]:
        """The fleet and the variant for one request. Raises what `Fleet.enter` raises."""
        with self._lock:
            fleet = self._next()
            member = fleet.enter(variant)
        try:
            yield fleet, member
        finally:
            fleet.leave(member)

    def shift(self, green: Fleet, share: float) -> None:
        """From now on the green fleet gets this share of the requests, 0 to 1."""
        with self._lock:
            if self._green not in (None, green):
                self._leave(self._green)  # of a mix that an update left, and another one mends
            self._green, self._share, self._owed = green, share, 0.0

    def finish(self) -> None:
        """Green becomes blue; the fleet that was blue before waits to be retired."""
        with self._lock:
            assert self._green is not None
            self._leave(self._blue)
            self._blue, self._green = self._green, None

    def abandon(self) -> None:
        """All traffic back to the blue fleet; the green one waits to be retired."""
        with self._lock:
            self._leave(self._green)
            self._green = None

    def restore(self, blue: Fleet) -> None:
        """All traffic to another fleet; both present ones wait to be retired."""
        with self._lock:
            self._leave(self._blue)
            self._leave(self._green)
            self._blue, self._green = blue, None

    def retire_leaving(self) -> None:
        """Ends every fleet that is out of the traffic."""
        with self._lock:
            leaving = list(self._leaving)
        for fleet in leaving:
            self.retire(fleet)

    def retire(self, fleet: Fleet) -> None:
        """Ends a fleet that is out of the traffic, once its last request is answered."""
        fleet.drain(invocation_timeout())
        fleet.stop()
        with self._lock:
            self._leaving.discard(fleet)

    def stop(self, grace: float) -> None:
        """Ends every fleet, whatever it is doing."""
        with self._lock:
            fleets = {self._blue, *self._leaving} | ({self._green} if self._green else set())
        for fleet in fleets:
            fleet.stop(grace)

    def _leave(self, fleet: Fleet | None) -> None:
        if fleet is not None:
            self._leaving.add(fleet)

    def _next(self) -> Fleet:
        """Exactly the share of the requests goes to the green fleet: one in ten is every tenth."""
        if self._green is None:
            return self._blue
        self._owed += self._share
        if self._owed < 1.0 - 1e-9:
            return self._blue
        self._owed -= 1.0
        return self._green
