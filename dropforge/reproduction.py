"""A model made again from its lineage, and what differs: what the job finds and the CLI tells."""

from dropforge.drops import Document


class FileComparison(Document):
    """One file of the artifact: the SHA-256 of its bytes then and now; None where absent."""

    name: str
    registered: str | None
    made_again: str | None

    @property
    def equal(self) -> bool:
        """Whether both are there, byte for byte the same."""
        return self.registered is not None and self.registered == self.made_again


class Difference(Document):
    """Something of code, image, packages or machine that is not as it was."""

    name: str
    registered: str
    now: str


class Reproduction(Document):
    """One reproduction. `run` trained the model, `job` made it again.

    `other_rows` are the snapshot's splits whose rows are not the recorded ones, `other_bytes` its
    files whose bytes are not. `max_score_difference` is over the holdout's rows, where model.txt
    differs.
    """

    project: str
    model_version: str
    run: str
    job: str
    files: list[FileComparison]
    other_rows: list[str] = []
    other_bytes: list[str] = []
    differences: list[Difference] = []
    max_score_difference: float | None = None
    rows_compared: int = 0
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether every file has the registered bytes."""
        return all(file.equal for file in self.files)

    @property
    def lines(self) -> list[str]:
        """What was found, for a person."""
        found = [
            f"{'equal' if file.equal else 'DIFFERS':<8} {file.name}  "
            f"{(file.made_again or 'was not made')[:16]}"
            + ("" if file.equal else f"  registered {(file.registered or 'none')[:16]}")
            for file in self.files
        ]
        if self.other_rows:
            found.append(f"Other rows than recorded: {', '.join(self.other_rows)}.")
        elif self.other_bytes:
            found.append(
                f"The same rows, but other bytes in the snapshot: {', '.join(self.other_bytes)}."
            )
        found += [
            f"Not as it was: {d.name} is {d.now}, was {d.registered}." for d in self.differences
        ]
        if self.max_score_difference is not None:
            found.append(
                f"Scores of {self.rows_compared:,} holdout rows differ by at most "
                f"{self.max_score_difference:.3g}."
            )
        return found
