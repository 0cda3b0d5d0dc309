"""A first look at a file for `init`: two passes over its blocks, and no value of it kept."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dropforge.dropkey import DropKey
from dropforge.errors import DropforgeError, InvalidProject, UnreadableFile
from dropforge.starter import FirstLook

if TYPE_CHECKING:
    from sagemaker_jobs.reader.source import Source

BLOCK_BYTES = 1024 * 1024
MOST_VALUES = 5000
"""So many different texts of a column are told apart."""
IDENTIFYING = 0.9
"""A text column with more different values than this share of its rows names people or things."""
FEW_ROWS = 20

Decimal = Literal[".", ","]


class ReaderNotInstalled(DropforgeError):
    """The packages that read files are not installed here."""


def look_at(
    file: Path, *, id: str, target: str, encoding: str, delimiter: str | None, decimal: Decimal
) -> FirstLook:
    """Read a file as the intake would, and learn its columns' types and the target's outcomes.

    Raises:
        UnreadableFile: no such file, or one that is no table.
        InvalidProject: it lacks the id or the target.
        ReaderNotInstalled: an installation without the jobs' packages.
    """
    if not file.is_file():
        raise UnreadableFile(f"There is no file {file}. Nothing was written.")
    extension = DropKey.parse(f"new/{file.name}").extension
    try:
        from sagemaker_jobs.reader.files import open_file
        from sagemaker_jobs.reader.spool import spool
    except ModuleNotFoundError as error:
        raise ReaderNotInstalled(
            f"The module {error.name} that reads files is not installed here. Nothing was written.",
            next_command="make setup in the repository",
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        spooled = spool(_blocks(file), Path(folder) / "file", extension, encoding)
        source = open_file(spooled, delimiter, decimal)
        for column, option in ((id, "--id"), (target, "--target")):
            _require(column, option, file, source.names)
        return _look(source, id, target)


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _require(column: str, option: str, file: Path, names: Sequence[str]) -> None:
    if column in names:
        return
    near = next((name for name in names if name.lower() == column.lower()), None)
    hint = f" There is {near}: names are case-sensitive." if near else ""
    shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
    raise InvalidProject(
        f"{file} has no column {column}.{hint} Its columns: {shown}. Nothing was written.",
        next_command=f"the same with {option} and one of them",
    )


def _look(source: "Source", id: str, target: str) -> FirstLook:
    from sagemaker_jobs.reader.evidence import KindEvidence

    evidence = KindEvidence(source.decimal)
    texts = {name: _Texts() for name in source.names}
    look = FirstLook(remarks=list(source.notes))
    for block in source.blocks():
        evidence.update(block.rows)
        look.rows += block.rows.num_rows
        for name, seen in texts.items():
            seen.update(block.rows.column(name))
    look.kinds = {n: _kind(kind, texts[n]) for n, kind in evidence.kinds().items()}
    # Where every value is another one, it is the id, or as good as one.
    look.identifying = [
        name
        for name, kind in look.kinds.items()
        if kind == "string" and name not in (id, target) and texts[name].identifying
    ]
    _measure(source, look, id, target)
    for name, count in evidence.decimal_commas().items():
        look.remarks.append(f"column {name}: {count:,} values have a decimal comma: --decimal ,")
    for name, count in evidence.slips().items():
        if name not in (id, target):
            look.remarks.append(f"column {name}: text, as {count:,} values are no numbers")
    if rejected := source.rejected.count:
        plural = "" if rejected == 1 else "s"
        look.remarks.append(
            f"{rejected:,} row{plural} cannot be read: a drop of this file is quarantined, "
            "unless project.yml allows it (max_rejected_share)"
        )
    return look


def _measure(source: "Source", look: FirstLook, id: str, target: str) -> None:
    """The second pass, with types: missing values, ranges, and the target's outcomes."""
    import pyarrow.compute as pc

    from sagemaker_jobs.labels import canonical
    from sagemaker_jobs.reader.conversion import as_text, convert_column

    missing, outcomes = Counter(dict.fromkeys(look.kinds, 0)), Counter[str]()
    ranges: dict[str, tuple[Any, Any]] = {}
    values: dict[str, set[Any]] = {name: set() for name in look.kinds}
    for block in source.blocks():
        for name, kind in look.kinds.items():
            raw = block.rows.column(name)
            if name == target:
                for pair in pc.value_counts(as_text(raw)).to_pylist():
                    if (outcome := canonical(pair["values"])) is not None:
                        outcomes[outcome] += pair["counts"]
            if name in (id, target):
                missing[name] += raw.null_count
                continue
            column, _ = convert_column(raw, kind, source.decimal)
            missing[name] += column.null_count
            if len(values[name]) < 2:
                values[name].update(pc.unique(column.drop_null())[:2].to_pylist())
            if kind in ("number", "integer", "date") and column.null_count < len(column):
                found = pc.min_max(column).as_py()
                low, high = ranges.get(name, (found["min"], found["max"]))
                ranges[name] = (min(low, found["min"]), max(high, found["max"]))
    look.missing, look.outcomes = dict(missing), dict(outcomes)
    look.seen = {n: (_short(low), _short(high)) for n, (low, high) in ranges.items()}
    look.constant = [n for n, v in values.items() if len(v) < 2 and n not in (id, target)]


def _short(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@dataclass
class _Texts:
    """A column of texts: its different values, up to a limit, and what they all could be."""

    present: int = 0
    different: set[str] = field(default_factory=set)
    dates: bool = True
    truths: bool = True
    full: bool = False

    def update(self, column: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        from sagemaker_jobs.reader.conversion import as_text, convert_column, plain_array

        column = plain_array(column)
        if not pa.types.is_string(column.type):
            self.dates = self.truths = False
            return
        present = as_text(column).drop_null()
        if not len(present):
            return
        unique = pc.unique(present)
        if self.dates:
            self.dates = not len(convert_column(unique, "date")[1])
        if self.truths:
            self.truths = {value.lower() for value in unique[:3].to_pylist()} <= {"true", "false"}
            self.truths = self.truths and len(unique) <= 2
        if not self.full:
            self.present += len(present)
            self.different.update(unique.to_pylist())
            self.full = len(self.different) > MOST_VALUES

    @property
    def identifying(self) -> bool:
        enough = self.present >= FEW_ROWS
        return enough and len(self.different) > IDENTIFYING * self.present


def _kind(kind: Any, texts: _Texts) -> Any:
    if kind != "string" or not texts.present:
        return kind
    if texts.dates:
        return "date"
    return "boolean" if texts.truths else "string"
