"""`predict`: ask the model in production, through SageMaker's runtime."""

import csv
import json
import sys
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from dropforge.cli.console import as_json, line, remark
from dropforge.cli.endpoint import Endpoint
from dropforge.cli.options import AsJson, CloudChoice, Debug, OutFile, ProjectName, Stage
from dropforge.cli.session import connect
from dropforge.errors import InvalidRequest, UnreadableFile


def predict(
    project: ProjectName,
    file: Annotated[Path | None, typer.Argument(help="A .csv or .jsonl file of rows.")] = None,
    row: Annotated[
        str | None, typer.Option("--row", help='One row or a list, as JSON: {"column": 1}.')
    ] = None,
    out: OutFile = None,
    json_: AsJson = False,
    stage: Stage = "dev",
    cloud: CloudChoice = None,
    debug: Debug = False,
) -> None:
    """Score rows with the project's endpoint: CSV on standard output, JSON lines with --json."""
    if (file is None) == (row is None):
        raise InvalidRequest(
            "Give either a file or --row. Nothing was sent.",
            next_command=f"dropforge predict {project} FILE",
        )
    if file is not None and not file.is_file():
        raise UnreadableFile(f"There is no file {file}. Nothing was sent.")
    session = connect(stage, cloud, quiet=True)
    session.pushed(project)
    endpoint = Endpoint(project, stage)
    answers = endpoint.ask_file(file) if file else endpoint.ask_rows(_rows(row or ""))
    documents = list(answers)
    if json_:
        as_json(documents)
    elif out is not None:
        with out.open("w", encoding="utf-8", newline="") as stream:
            _write_csv(documents, stream)
        line(f"{out}: {len(documents):,} rows")
    else:
        _write_csv(documents, sys.stdout)
        remark(f"{len(documents):,} rows, scored by {endpoint.name}")


def _rows(text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"--row is not JSON: {error}. Nothing was sent.") from error
    rows = document if isinstance(document, list) else [document]
    if not all(isinstance(row, dict) for row in rows):
        raise InvalidRequest('A row maps columns to values, as in {"column": 1}. Nothing was sent.')
    return rows


def _write_csv(documents: list[dict[str, Any]], stream: Any) -> None:
    rows = [_flat(document) for document in documents]
    columns = list(dict.fromkeys(chain.from_iterable(rows)))
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """An answer as a CSV row: a column a class's probability, as in a batch's predictions."""
    probabilities = document.get("probabilities") or {}
    row = {name: value for name, value in document.items() if name != "probabilities"}
    return row | {f"probability_{name}": value for name, value in probabilities.items()}
