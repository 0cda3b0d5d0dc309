"""One statistic of many keys at once: numpy arrays with a place for each key."""

import numpy as np
from numpy.typing import NDArray

from dropforge.features import Statistic

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Places = NDArray[np.int64]
Part = tuple[Places, Counts, Floats]
"""What a tally holds: places of keys, the number of values of each, and their combination."""

_UFUNCS = {"min": np.fmin, "max": np.fmax}
_START = {"min": np.nan, "max": np.nan, "last": np.nan}
_MEANS = ("mean", "target_mean")


class Tally:
    """A statistic while its values come in.

    Sums are added in the order given, whatever the batches: the same rows give the same bits.
    """

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic
        self._start = _START.get(statistic, 0.0)
        self._counts: Counts = np.zeros(0, np.int64)
        self._values: Floats = np.zeros(0)

    def grow(self, keys: int) -> None:
        """Have a place for so many keys."""
        missing = keys - len(self._counts)
        if missing > 0:
            missing = max(missing, len(self._counts))  # doubled: few copies
            self._counts = np.concatenate([self._counts, np.zeros(missing, np.int64)])
            self._values = np.concatenate([self._values, np.full(missing, self._start)])

    def add(self, places: Places, counts: Counts, values: Floats) -> None:
        """Take values in; a place may come several times. No value is NaN."""
        np.add.at(self._counts, places, counts)
        if self._statistic == "last":
            self._values[places] = values  # of a repeated place the last one stays
            return
        with np.errstate(over="ignore", invalid="ignore"):
            _UFUNCS.get(self._statistic, np.add).at(self._values, places, values)

    def take_out(self) -> Part:
        """What is held, of places that have any; nothing is held after it."""
        places = np.flatnonzero(self._counts)
        part = places, self._counts[places], self._values[places]
        self._counts[places] = 0
        self._values[places] = self._start
        return part

    def at(self, places: Places) -> Floats:
        """The statistic at places; NaN where there were no values, or it is beyond a double."""
        counts, values = self._counts[places], self._values[places]
        found = np.full(len(places), np.nan)
        if self._statistic == "count":
            values = counts.astype(np.float64)
        elif self._statistic in _MEANS:
            values = np.divide(values, counts, out=found.copy(), where=counts > 0)
        np.copyto(found, values, where=(counts > 0) & np.isfinite(values))
        return found
