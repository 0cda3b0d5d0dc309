"""The demo's steps: drop, follow, show the mail, ask the endpoint."""

import csv
import shutil
from dataclasses import dataclass
from math import nan
from pathlib import Path

from dropforge import layout
from dropforge.aws.documents import read_bytes
from dropforge.cli import executions
from dropforge.cli.console import line, remark
from dropforge.cli.demo.files import DemoFile
from dropforge.cli.drops import settle, upload
from dropforge.cli.endpoint import Endpoint
from dropforge.cli.mailbox import read_mailbox
from dropforge.cli.runs import RunLine, run_line
from dropforge.cli.session import Session
from dropforge.cli.stories import read_story
from dropforge.drops import DropRecord
from dropforge.project import ProjectSpec
from dropforge.runs import RunStory

KEPT = ("claimed", "started", "accepted")
"""States of a file of an interrupted demo that need no second upload."""


@dataclass(frozen=True)
class DemoRun:
    """What came of one dropped file."""

    file: DemoFile
    state: str
    line: RunLine
    story: RunStory
    champion: str | None
    mailed: bool
    predictions: Path | None


@dataclass(frozen=True)
class Agreement:
    """The endpoint's answers beside the batch scores of the same rows."""

    rows: int
    equal: int


class Scenario:
    """Runs the steps and remembers what came of each."""

    def __init__(self, session: Session, spec: ProjectSpec, out: Path) -> None:
        self.session = session
        self.spec = spec
        self.out = out
        self.runs: list[DemoRun] = []
        self.agreement: Agreement | None = None
        self._mails_shown = len(read_mailbox())
        self._before = {drop.key: drop for drop in session.ledger.drops(spec.name)}
        for folder in (out, out / "mails"):
            folder.mkdir(parents=True, exist_ok=True)

    def drop(self, file: DemoFile) -> None:
        """Drop a file, follow its run, show its mail."""
        key = f"{self.spec.name}/{file.name}"
        before = self._before.get(key)
        if before is not None and before.state in KEPT:
            remark(f"  {file.name} was dropped before.")
            identity = before.id
        else:
            key, identity = upload(self.session, self.spec.name, file.path)
            line(f"  s3://{self.session.stack.drop_bucket}/{key}")
        settle(self.session, self.spec.name, key, identity)
        mails = self._show_new_mails()
        record = self.session.ledger.drop(self.spec.name, identity)
        if record is not None and record.settled_by is not None:
            self.runs.append(self._remember(file, record, record.settled_by, mails))

    def ask_endpoint(self, file: DemoFile) -> None:
        """Score the file's rows through boto3 and compare with the predictions of the batch."""
        batch = next((r.predictions for r in self.runs if r.file == file), None)
        if batch is None:
            line("  No predictions to compare with.", style="red")
            return
        endpoint = Endpoint(self.spec.name, self.session.stage)
        online = [float(answer["score"]) for answer in endpoint.ask_file(file.path)]
        with batch.open(encoding="utf-8", newline="") as stream:
            offline = {row["id"]: float(row["score"]) for row in csv.DictReader(stream)}
        with file.path.open(encoding="utf-8", newline="") as stream:
            ids = [row[self.spec.id] for row in csv.DictReader(stream)]
        pairs = [(one, offline.get(key, nan)) for key, one in zip(ids, online, strict=True)]
        self.agreement = Agreement(len(pairs), sum(one == other for one, other in pairs))
        for (one, other), key in list(zip(pairs, ids, strict=True))[:3]:
            line(f"  {key}: endpoint {one!r}, batch {other!r}")
        agreement = self.agreement
        line(
            f"  {agreement.equal:,} of {agreement.rows:,} answers equal the batch score exactly.",
            style="green" if agreement.equal == agreement.rows else "red",
        )

    def _remember(self, file: DemoFile, record: DropRecord, run: str, mails: int) -> DemoRun:
        execution = executions.find(self.session, run)
        story = read_story(self.session, execution)
        champion = self.session.ledger.champion(self.spec.name)
        self._fetch_report(file, story)
        return DemoRun(
            file=file,
            state=record.state,
            line=run_line(self.session, execution),
            story=story,
            champion=champion.version if champion else None,
            mailed=mails > 0 or record.mailed_by is not None,
            predictions=self._fetch_predictions(record, story),
        )

    def _fetch_report(self, file: DemoFile, story: RunStory) -> None:
        if story.evaluation is not None:
            uri = layout.report(story.lake, story.project, story.run)
            (self.out / f"report-{file.path.stem}.html").write_bytes(read_bytes(uri))

    def _fetch_predictions(self, record: DropRecord, story: RunStory) -> Path | None:
        for scored in story.scored.drops if story.scored else []:
            if scored.drop == record.id:
                path = self.out / f"predictions-{scored.period}.csv"
                path.write_bytes(read_bytes(scored.predictions_uri))
                return path
        return None

    def _show_new_mails(self) -> int:
        """Print the mails that came since the last call, each once, whoever else got it."""
        mails = read_mailbox()
        new = mails[self._mails_shown :]
        self._mails_shown = len(mails)
        recipients: dict[tuple[str, str], list[str]] = {}
        for mail in new:
            shutil.copy(mail.path, self.out / "mails" / mail.path.name)
            recipients.setdefault((mail.subject, mail.body), []).append(mail.recipient)
        for (subject, body), to in recipients.items():
            line()
            line(f"  | To: {', '.join(to)}", style="dim")
            line(f"  | Subject: {subject}", style="bold")
            line("  |")
            for text in body.rstrip().splitlines():
                line(f"  | {text}".rstrip())
        return len(new)
