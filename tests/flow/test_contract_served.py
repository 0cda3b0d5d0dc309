"""One contract from the file to the endpoint: what is clamped, what rules over rows refuse."""

import csv
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.flow.account import Account
from tests.flow.conftest import Push
from tests.flow.customers import customers

CONTRACT: dict[str, Any] = {
    "columns": {
        "customer_id": {"type": "string", "role": "id", "personal": True},
        "tenure": {"type": "integer", "min": 0, "max": 60, "clamp": True},
        "contract": {"type": "string", "allowed": ["monthly", "yearly", "two years"]},
        "charges": {"type": "number"},
        "churn": {"type": "string", "role": "target"},
    },
    "rules": [
        {"name": "charged", "expr": "charges < 150 or tenure > 5", "says": "is charged too much"},
        {"name": "left", "expr": "churn == 'No' or not is_missing(tenure)"},
    ],
}
NAME = "kept"


def ask(account: Account, kind: str, body: bytes) -> Any:
    answer = account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=f"{NAME}-dev", ContentType=kind, Accept="application/json", Body=body
    )
    return json.loads(answer["Body"].read())


def test_a_contract_holds_from_the_file_to_the_endpoint(account: Account, push: Push) -> None:
    push(NAME, endpoint="realtime", contract=CONTRACT)
    first = account.drop_and_wait(f"{NAME}/initial.csv", customers(900, seed=75))
    assert (first.state, first.rows) == ("accepted", 900)
    assert "column tenure: must be between 0 and 60; models take the bound for it (also lines" in (
        account.mail(f"[{NAME}/dev]").body
    )

    to_score = customers(200, seed=76, labelled=False)
    scored = account.drop_and_wait(f"{NAME}/202101.csv", to_score)
    assert scored.state == "accepted"
    key = next(k for k in account.keys(f"predictions/{NAME}/") if k.endswith(".csv"))
    batch = csv.DictReader(
        io.StringIO(account.read(f"s3://{account.outputs['LakeBucket']}/{key}").decode())
    )
    answer = ask(account, "text/csv", to_score)
    assert [p["score"] for p in answer["predictions"]] == [float(row["score"]) for row in batch]
    rows = list(csv.DictReader(io.StringIO(to_score.decode())))
    beyond = sum(int(row["tenure"]) > 60 for row in rows)
    assert answer["warnings"] == beyond > 0

    row = {"tenure": 5, "contract": "yearly", "charges": 180.5}
    with pytest.raises(ClientError) as refused:
        ask(account, "application/json", json.dumps(row).encode())
    said = json.loads(refused.value.response["OriginalMessage"])
    assert refused.value.response["OriginalStatusCode"] == 400
    assert (said["row"], said["rule"], said["columns"]) == (1, "charged", ["charges", "tenure"])
    assert said["values"] == {"charges": 180.5, "tenure": 5}
