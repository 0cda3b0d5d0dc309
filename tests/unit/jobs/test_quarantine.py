import csv
import datetime as dt
import io
import json
import re

from dropforge.drops import DropRecord, Reason
from dropforge.layout import S3Uri
from dropforge.project import ProjectSpec
from sagemaker_jobs.accept.quarantine import shown_columns, write_quarantine
from sagemaker_jobs.reader.problems import OffendingRow
from tests.unit.jobs.conftest import make_spec

NOW = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
DROP = DropRecord(
    id="d1",
    project="loans",
    bucket="drops",
    key="loans/2020/20201001.csv",
    version="v1",
    state="started",
    created_at=NOW,
    updated_at=NOW,
)
NAMES = ["loan_id", "age", "job", "sex", "mail"]
ROWS = [
    OffendingRow(5, "age: must be between 0 and 100", ("L-17", "412", "<b>", "f", "a@b.example")),
    OffendingRow(7, "6 fields", ("L-18", "41", "smith", "m", "c@d.example", "zzz")),
]
REASONS = [
    Reason(code="range", message="Line 5, column age: must be 0 & up.", line=5, column="age"),
    Reason(code="broken_row", message="Line 7: 6 fields.", line=7),
]


def written(spec: ProjectSpec | None, accepted: int | None = None) -> dict[str, str]:
    objects: dict[str, str] = {}

    def write(uri: S3Uri, body: bytes, _: str) -> str:
        objects[str(uri).rsplit("/", 1)[-1]] = body.decode()
        return str(uri)

    folder = S3Uri.parse("s3://lake/quarantine/loans/202010/d1")
    uri = write_quarantine(
        write, folder, DROP, REASONS, ROWS, NAMES, spec=spec, accepted=accepted, rejected=2
    )
    assert uri == "s3://lake/quarantine/loans/202010/d1/"
    return objects


def test_the_documents_point_at_the_version_and_hold_the_rows() -> None:
    objects = written(make_spec())
    document = json.loads(objects["reasons.json"])
    assert document["file"] == {"bucket": "drops", "key": DROP.key, "version": "v1"}
    assert (document["state"], document["rows_rejected"]) == ("quarantined", 2)
    assert [r["code"] for r in document["reasons"]] == ["range", "broken_row"]
    rows = list(csv.reader(io.StringIO(objects["rows.csv"])))
    assert rows[0] == ["line", "reason", *NAMES]
    assert rows[1][:4] == ["5", "age: must be between 0 and 100", "L-17", "412"]


def test_the_page_masks_what_may_tell_who_a_person_is() -> None:
    page = written(make_spec(personal=["mail"]))["report.html"]
    assert "412" in page and "&lt;b&gt;" in page
    assert not re.search(r"L-1\d|@b\.example|>f<|>smith<|zzz", page)
    assert page.count("•••") >= 3
    assert "QUARANTINED" in page and "must be 0 &amp; up" in page
    assert "dropforge drop 20201001.csv --project loans" in page


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = written(make_spec())["report.html"]
    assert not re.search(r"<script|http|src=|@import|url\(", page)


def test_without_a_project_no_value_is_shown() -> None:
    assert "412" not in written(None)["report.html"]


def test_columns_are_shown_only_where_somebody_said_what_they_hold() -> None:
    spec = make_spec()
    assert shown_columns(spec, NAMES) == {"age", "job"}
    columns = {
        "loan_id": {"type": "string", "role": "id"},
        "age": {"type": "integer"},
        "job": {"type": "string", "personal": True},
    }
    assert shown_columns(make_spec(contract={"columns": columns}), NAMES) == {"age"}


def test_a_file_of_which_some_rows_were_left_out_is_explained_alike() -> None:
    objects = written(make_spec(), accepted=1234)
    assert json.loads(objects["reasons.json"])["state"] == "accepted"
    page = objects["report.html"]
    assert "ROWS LEFT OUT" in page and "1,234 rows were accepted; 2 rows were left out" in page
