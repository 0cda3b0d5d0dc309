"""What decided a snapshot's rows, beside the project and the history's version."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class SplitPlan:
    """Recorded in snapshot.json as `split`, so that the same files can be written again.

    Attributes:
        today: the day whose maturity counts.
        mature: the periods whose labelled rows are split, in time's order.
        holdout_period: the period that judges; None if a share of all rows does.
        champion_used: periods that the champion was made from, and that thus do not judge.
        seed: of the draws that split rows.
    """

    today: dt.date
    mature: list[str]
    holdout_period: str | None
    champion_used: list[str] = field(default_factory=list)
    seed: int = 0

    def document(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "today": self.today.isoformat(),
            "mature": self.mature,
            "holdout_period": self.holdout_period,
            "champion_used": self.champion_used,
            "seed": self.seed,
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Read back what `document` wrote.

        Raises:
            KeyError: something is missing.
        """
        return cls(
            today=dt.date.fromisoformat(document["today"]),
            mature=list(document["mature"]),
            holdout_period=document["holdout_period"],
            champion_used=list(document["champion_used"]),
            seed=int(document["seed"]),
        )
