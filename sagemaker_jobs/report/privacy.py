"""What a report may say of a person: nothing. One place decides which values are shown."""

from dataclasses import dataclass

from dropforge.project import ProjectSpec

MIN_ROWS = 5
"""Values that fewer rows have are never shown one by one."""


@dataclass(frozen=True)
class Privacy:
    """Masks the values of personal columns."""

    personal: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: ProjectSpec) -> "Privacy":
        """A project's personal columns."""
        return cls(frozenset(spec.personal_columns))

    def hides(self, column: str) -> bool:
        """Whether the column's values are not shown."""
        return column in self.personal

    def value(self, column: str, value: str, number: int) -> str:
        """A value as it may be shown; the `number` tells hidden ones apart."""
        return f"value {number}, not shown" if self.hides(column) else value
