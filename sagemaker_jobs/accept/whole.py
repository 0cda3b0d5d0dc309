"""The contract's rules about a file as a whole: its rows, its missing values, its age."""

import datetime as dt
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dropforge.contract import ContractSpec
from dropforge.drops import Reason
from dropforge.period import Period
from dropforge.project import ProjectSpec

EPOCH = dt.date(1970, 1, 1)


@dataclass
class WholeFile:
    """What the file-level rules need to know, gathered batch by batch."""

    spec: ProjectSpec
    period: Period | None = None
    rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    values: dict[str, set[object]] = field(default_factory=dict)
    newest: int | None = None

    def update(self, batch: pa.RecordBatch) -> None:
        """Take the next rows, rejected ones included."""
        self.rows += batch.num_rows
        contract = self.spec.contract
        if contract is None:
            return
        for name in batch.schema.names:
            if self._missing_limit(contract, name) is not None:
                self.missing[name] = self.missing.get(name, 0) + batch.column(name).null_count
        for name, column in contract.columns.items():
            if column.max_categories is not None and name in batch.schema.names:
                known = self.values.setdefault(name, set())
                if len(known) <= column.max_categories:
                    known.update(pc.unique(batch.column(name)).drop_null().to_pylist())
        if contract.file.freshness is not None and contract.time_column in batch.schema.names:
            newest = pc.max(batch.column(contract.time_column).cast(pa.int32())).as_py()
            if newest is not None:
                self.newest = max(newest, self.newest if self.newest is not None else newest)

    def problems(self) -> tuple[list[Reason], list[Reason]]:
        """The rules that refuse the file, and those that warn."""
        refusing: list[Reason] = []
        warning: list[Reason] = []
        contract = self.spec.contract
        if contract is None:
            return refusing, warning
        whole = warning if contract.file.on_break == "warn" else refusing
        whole += [*self._count_problems(contract), *self._age_problems(contract)]
        for name, count in self.missing.items():
            limit = self._missing_limit(contract, name)
            if limit is None or not self.rows or count / self.rows <= limit:
                continue
            column = contract.columns.get(name)
            own = column is not None and column.max_missing is not None
            soft = column.on_break == "warn" if own and column else whole is warning
            reason = Reason(
                code="missing_rate",
                message=f"Column {name} is empty in {count:,} of {self.rows:,} rows "
                f"({count / self.rows:.1%}); at most {limit:.1%} are allowed.",
                column=name,
            )
            (warning if soft else refusing).append(reason)
        for name, known in self.values.items():
            column = contract.columns[name]
            if column.max_categories is not None and len(known) > column.max_categories:
                reason = Reason(
                    code="categories",
                    message=f"Column {name} takes more than {column.max_categories:,} different "
                    "values, which is the most that the contract allows.",
                    column=name,
                )
                (warning if column.on_break == "warn" else refusing).append(reason)
        return refusing, warning

    def _missing_limit(self, contract: ContractSpec, name: str) -> float | None:
        column = contract.columns.get(name)
        if column is not None and column.max_missing is not None:
            return column.max_missing
        return None if name in (self.spec.id, self.spec.target) else contract.file.max_missing

    def _count_problems(self, contract: ContractSpec) -> list[Reason]:
        least, most = contract.file.min_rows, contract.file.max_rows
        if least is not None and self.rows < least:
            message = f"The file has {self.rows:,} rows; at least {least:,} are expected."
            return [Reason(code="too_few_rows", message=message)]
        if most is not None and self.rows > most:
            message = f"The file has {self.rows:,} rows; at most {most:,} are expected."
            return [Reason(code="too_many_rows", message=message)]
        return []

    def _age_problems(self, contract: ContractSpec) -> list[Reason]:
        limit, name = contract.file.freshness, contract.time_column
        end = last_day(self.period)
        if limit is None or end is None or self.newest is None:
            return []
        age = (end - EPOCH).days - self.newest
        if age <= limit:
            return []
        return [
            Reason(
                code="stale",
                message=f"The newest value of column {name} is {age:,} days older than the end of "
                f"{self.period.spoken if self.period else ''}; at most {limit:,} are allowed.",
                column=name,
            )
        ]


def last_day(period: Period | None) -> dt.date | None:
    """A period's last day; None for the history."""
    if period is None or period.start is None:
        return None
    if len(period.canonical) == 8:
        return period.start
    return (period.start + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
