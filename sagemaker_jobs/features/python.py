"""A project's features.py: `features(frame: pandas.DataFrame) -> pandas.DataFrame`.

The frame has the columns that features.yml says it reads: numbers and booleans as doubles with NaN,
dates as datetime64[s] with NaT, texts as str or None. pandas is imported only here, and only for a
project that has a features.py.
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from dropforge.errors import DropforgeError, InvalidProject
from sagemaker_jobs.features.frame import Floats

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

FILE = "features.py"
FUNCTION = "features"

_ABOUT_CODE = (SyntaxError, ImportError, NameError, AttributeError)
"""Errors whose message speaks of the code. Others may hold a person's values, and are not shown."""


class FeaturesFailed(InvalidProject):
    """features.py raised, or gave what features.yml does not say."""


@dataclass(frozen=True)
class PythonStep:
    """What features.py reads and gives, and its text."""

    reads: tuple[str, ...]
    gives: tuple[str, ...]
    source: str = field(repr=False)

    def __call__(self, columns: Mapping[str, Any]) -> Floats:
        """Rows x `gives` as doubles, infinite values as NaN; `columns` are the arrays to read.

        Raises:
            FeaturesFailed: with file and line if the code raised; else what it gave.
        """
        function = self._function
        import pandas as pd

        frame = pd.DataFrame(
            {
                # pandas would make texts its own strings, whose missing value is NaN.
                name: pd.Series(values, dtype=object) if values.dtype == object else values
                for name, values in columns.items()
            },
            copy=False,  # a block a column: contiguous, as numpy's loops need it to be repeatable
        )
        index = frame.index.copy()
        with _Blame(self.source):
            given = function(frame)
        return self._checked(given, index)

    @cached_property
    def _function(self) -> Callable[[Any], Any]:
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise FeaturesFailed(f"{FILE} needs pandas, which is not installed here.") from error
        namespace: dict[str, Any] = {"__name__": "features"}
        with _Blame(self.source):
            exec(compile(self.source, FILE, "exec"), namespace)
        function = namespace.get(FUNCTION)
        if not callable(function):
            raise FeaturesFailed(f"{FILE} defines no function {FUNCTION}(frame).")
        return function

    def _checked(self, given: Any, index: "pd.Index") -> Floats:
        import pandas as pd

        if not isinstance(given, pd.DataFrame):
            raise FeaturesFailed(
                f"{FILE}: {FUNCTION} must give a DataFrame, it gave {type(given).__name__}."
            )
        names = [str(name) for name in given.columns]
        if sorted(names) != sorted(self.gives):
            raise FeaturesFailed(
                f"{FILE}: {FUNCTION} must give the columns {', '.join(self.gives)} "
                f"(features.yml, python.gives), it gave {', '.join(names) or 'none'}."
            )
        if not given.index.equals(index):
            raise FeaturesFailed(
                f"{FILE}: {FUNCTION} must keep the rows and their order; "
                f"of {len(index)} rows it gave {len(given)}."
            )
        values = np.empty((len(index), len(self.gives)))
        for place, name in enumerate(self.gives):
            column = given[name]
            if not pd.api.types.is_numeric_dtype(column) or column.dtype.kind == "c":
                raise FeaturesFailed(
                    f"{FILE}: column {name} must hold numbers, it holds {column.dtype}."
                )
            values[:, place] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan)


class _Blame:
    """Turns whatever the project's code raises into FeaturesFailed, with the line that raised."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, DropforgeError):
            return
        line = error.lineno if isinstance(error, SyntaxError) else _line(trace)
        text = self._lines[line - 1].strip() if line and line <= len(self._lines) else ""
        at = f"{FILE}, line {line}: " if line else f"{FILE}: "
        says = f" ({error})" if isinstance(error, _ABOUT_CODE) else ""
        what = f"{type(error).__name__}{says}"
        raise FeaturesFailed(f"{at}{what}" + (f" at `{text}`." if text else ".")) from error


def _line(trace: TracebackType | None) -> int | None:
    """The innermost line of features.py; None if the error is not from inside it."""
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == FILE]
    return lines[-1] if lines else None
