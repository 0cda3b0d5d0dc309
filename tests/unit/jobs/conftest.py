"""A lake on disk and in moto, and the jobs as functions over it."""

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from moto import mock_aws

from dropforge.aws import clients
from dropforge.aws.ledger import Ledger
from dropforge.dropkey import drop_id
from dropforge.drops import DropRecord, PrepareResult
from dropforge.ledger import Champion
from dropforge.project import ProjectSpec
from sagemaker_jobs.evaluate import evaluate
from sagemaker_jobs.history.table import LINE, History
from sagemaker_jobs.prepare import Prepare
from sagemaker_jobs.settings import Settings
from sagemaker_jobs.snapshot.build import build_snapshot
from sagemaker_jobs.train import train

SETTINGS = Settings("dev", "the-lake", "the-drops", "the-ledger")

SPEC: dict[str, Any] = {
    "name": "loans",
    "target": "default",
    "id": "loan_id",
    "positive": 1,
    "favourable": 0,
    "protected": ["sex"],
    "tune": {"trials": 2, "max_rounds": 60, "early_stopping_rounds": 10},
    "features": {
        "groups": {"money": ["income", "amount"], "person": ["age", "job"]},
        "keep": ["money", "person"],
        "derive": {"burden": "amount / income"},
    },
}


def make_spec(**changes: Any) -> ProjectSpec:
    """The test project, with changes."""
    return ProjectSpec.model_validate({**SPEC, **changes})


def loans(rows: int, seed: int, *, first_id: int = 1, labelled: bool = True) -> pa.Table:
    """Loans whose default depends on burden, age and job; some incomes and jobs are missing."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.lognormal(10, 0.5, rows), 2)
    amount = np.round(income * rng.uniform(0.1, 3.0, rows), 2)
    age = rng.integers(18, 80, rows)
    job = rng.choice(["clerk", "nurse", "smith", "NA"], rows)
    logit = 1.5 * amount / income - 0.03 * age + (job == "smith") - 1.5
    default = (rng.uniform(size=rows) < 1 / (1 + np.exp(-logit))).astype(int)
    missing = rng.uniform(size=rows) < 0.05
    columns = {
        "loan_id": [f"{n:07d}" for n in range(first_id, first_id + rows)],
        "income": pa.array(income, mask=missing),
        "amount": amount,
        "age": age,
        "job": pa.array(job, mask=rng.uniform(size=rows) < 0.05),
        "sex": rng.choice(["f", "m"], rows),
    }
    if labelled:
        columns["default"] = default
    return pa.table(columns)


def as_csv(table: pa.Table) -> bytes:
    """A table as a CSV file."""
    out = io.BytesIO()
    options = pacsv.WriteOptions(quoting_style="none", quoting_header="none")
    pacsv.write_csv(table, out, options)
    return out.getvalue()


def with_lines(table: pa.Table) -> pa.Table:
    """The rows with the lines that a file would have them at."""
    return table.append_column(LINE, pa.array(np.arange(2, table.num_rows + 2)))


@dataclass
class World:
    """One account: buckets and ledger in moto, the Delta tables on disk (Rust has its own S3)."""

    folder: Path
    ledger: Ledger
    spec: ProjectSpec = field(default_factory=make_spec)
    runs: int = 0

    def drop(self, name: str, body: bytes) -> DropRecord:
        """Put a file into the drop bucket and claim it, as intake does."""
        key = f"{self.spec.name}/{name}"
        answer = boto3.client("s3").put_object(Bucket=SETTINGS.drop_bucket, Key=key, Body=body)
        version = answer["VersionId"]
        now = dt.datetime.now(dt.UTC)
        return self.ledger.claim(
            DropRecord(
                id=drop_id(SETTINGS.drop_bucket, key, version),
                project=self.spec.name,
                bucket=SETTINGS.drop_bucket,
                key=key,
                version=version,
                state="claimed",
                created_at=now,
                updated_at=now,
            )
        )

    def job(self, run: str | None = None, round_: int = 1) -> Prepare:
        """A preparing job of a new run."""
        self.runs += 1
        return Prepare(
            SETTINGS,
            self.ledger,
            self.spec,
            run or f"run-{self.runs}",
            round_,
            history_uri=self.history_uri,
        )

    def prepare(self, *, train: bool = False) -> PrepareResult:
        """Prepare everything pending, in a new run."""
        return self.job().run(train=train)

    @property
    def history_uri(self) -> str:
        """Where the history lies."""
        return str(self.folder / "history")

    def state(self, drop: DropRecord) -> str:
        """A drop's state in the ledger."""
        record = self.ledger.drop(self.spec.name, drop.id)
        assert record is not None
        return record.state

    def object(self, key: str) -> bytes:
        """An object of the lake."""
        return boto3.client("s3").get_object(Bucket=SETTINGS.lake_bucket, Key=key)["Body"].read()

    def download(self, prefix: str, target: Path) -> Path:
        """A prefix of the lake as a folder, as a job's input."""
        target.mkdir(parents=True)
        s3 = boto3.client("s3")
        for item in s3.list_objects_v2(Bucket=SETTINGS.lake_bucket, Prefix=prefix).get(
            "Contents", []
        ):
            s3.download_file(
                SETTINGS.lake_bucket, item["Key"], str(target / item["Key"].rsplit("/")[-1])
            )
        return target

    def upload(self, folder: Path, prefix: str) -> str:
        """A folder into the lake, as a job's output; answers its URI."""
        s3 = boto3.client("s3")
        for path in folder.iterdir():
            s3.upload_file(str(path), SETTINGS.lake_bucket, f"{prefix}/{path.name}")
        return f"s3://{SETTINGS.lake_bucket}/{prefix}/"

    def crown(self, artifact: Path, version: str = "1") -> None:
        """Make an artifact the champion."""
        uri = self.upload(artifact, f"models/{self.spec.name}/v{version}")
        champion = Champion(
            version=version,
            model_package_arn="arn:aws:sagemaker:us-east-1:0:model-package/loans/1",
            artifact_uri=uri,
            run="run-1",
            promoted_at=dt.datetime.now(dt.UTC),
        )
        before = self.ledger.champion(self.spec.name)
        self.ledger.move_champion(self.spec.name, champion, before.version if before else None)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty account with the stack's buckets and table."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        clients.client.cache_clear()
        s3 = boto3.client("s3")
        for bucket in (SETTINGS.lake_bucket, SETTINGS.drop_bucket):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(
            Bucket=SETTINGS.drop_bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        boto3.client("dynamodb").create_table(
            TableName=SETTINGS.ledger_table,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield World(tmp_path, Ledger(SETTINGS.ledger_table))
    clients.client.cache_clear()


@dataclass(frozen=True)
class Made:
    """A model made without AWS: its snapshot, its artifact, what Evaluate wrote."""

    spec: ProjectSpec
    snapshot: Path
    artifact: Path
    evaluation: Path


def make_model(folder: Path, spec: ProjectSpec, tables: dict[str, pa.Table]) -> Made:
    """A history of the tables (by period), a snapshot of it, and a judged model."""
    history = History(str(folder / "history"))
    for number, (period, table) in enumerate(tables.items()):
        target = table.schema.get_field_index("default")
        outcomes = table.column("default").cast(pa.string())
        typed = table.set_column(target, "default", outcomes)
        history.replace(period, with_lines(typed), f"drop-{number}")
    snapshot = build_snapshot(spec, history, None, folder / "snapshot", "s3://the-lake/snapshot/")
    train(snapshot.folder, folder / "artifact", run="run-1")
    evaluate(
        snapshot=snapshot.folder,
        artifact=folder / "artifact",
        champion=None,
        champion_version=None,
        out=folder / "evaluation",
        run="run-1",
        artifact_uri="s3://the-lake/models/loans/run-1/",
        report_uri="s3://the-lake/runs/loans/run-1/report.html",
    )
    return Made(spec, snapshot.folder, folder / "artifact", folder / "evaluation")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A model of 3,000 loans, read only."""
    spec = make_spec(calibration="sigmoid")
    return make_model(tmp_path_factory.mktemp("made"), spec, {"initial": loans(3000, 1)})
