"""What can be wrong with a change of the history."""

from dropforge.errors import DropforgeError


class HistoryConflict(DropforgeError):
    """Another writer committed the same period meanwhile: nothing of ours was changed."""

    def __init__(self, what: str, uri: str, version: int) -> None:
        super().__init__(
            f"Tried to {what} of {uri}, read at version {version}: another writer changed the "
            "same rows in the meantime. Nothing of this attempt is in the table; run it again."
        )


class SchemaChange(DropforgeError):
    """A column's type changed in a way that the history does not follow."""

    def __init__(self, column: str, old: str, new: str) -> None:
        super().__init__(
            f"The column {column} is {old} in the history, and {new} in this file. The history "
            "only widens integer to number and adds columns. It is unchanged."
        )
        self.column, self.old, self.new = column, old, new


class UnknownVersion(DropforgeError):
    """The history has no such version, or it was vacuumed."""

    @classmethod
    def vacuumed(cls, uri: str, version: int | None) -> "UnknownVersion":
        """Data files of a version are gone."""
        return cls(f"Version {version} of {uri} cannot be read: rows of it were vacuumed.")
