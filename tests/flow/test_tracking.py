"""Trainings in MLflow: a real tracking server, over HTTP, in the environment of its own lock."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from dropforge.aws import mlflow
from dropforge.aws.mlflow import MLflowServer, TrackingUnavailable
from dropforge.cli.mlflow_server import serving
from dropforge.tracking import RUN_TAG
from tests.unit.domain.test_tracking import tracked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("mlflow"), free_port()) as address:
        yield address


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def runs(address: str, experiment: str) -> list[dict[str, Any]]:
    api = f"{address}/api/2.0/mlflow"
    with urlopen(f"{api}/experiments/get-by-name?experiment_name={quote(experiment)}") as answer:
        identity = json.load(answer)["experiment"]["experiment_id"]
    body = json.dumps({"experiment_ids": [identity]}).encode()
    asked = Request(f"{api}/runs/search", body, {"Content-Type": "application/json"})
    with urlopen(asked) as answer:
        found: list[dict[str, Any]] = json.load(answer)["runs"]
        return found


def pairs(run: dict[str, Any], what: str) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in run["data"].get(what, [])}


def test_a_training_is_one_run_with_a_child_a_trial_however_often_it_is_sent(server: str) -> None:
    run = replace(tracked(), experiment="sent-twice")
    first = MLflowServer(server).track(run, {"report.html": b"<p>report</p>"})
    assert MLflowServer(server).track(run, {"report.html": b"<p>report</p>"}) == first
    found = runs(server, "sent-twice")
    (parent,) = [r for r in found if r["info"]["run_id"] == first]
    children = [r for r in found if r is not parent]
    assert parent["info"]["status"] == "FINISHED"
    assert pairs(parent, "params") == run.params
    assert pairs(parent, "tags")[RUN_TAG] == run.name
    assert run.metrics.items() <= pairs(parent, "metrics").items()
    assert len(children) == len(run.trials)
    assert {pairs(c, "tags")["mlflow.parentRunId"] for c in children} == {first}
    place = f"{server}/get-artifact?path=report.html&run_uuid={first}"
    with urlopen(place) as answer:
        assert answer.read() == b"<p>report</p>"


def test_a_run_that_was_cut_off_is_made_anew(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = replace(tracked(), experiment="cut-off")
    cut = MLflowServer(server)

    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cut, "_put_file", dies)
    with pytest.raises(KeyboardInterrupt):
        cut.track(run, {"report.html": b"x"})
    whole = MLflowServer(server).track(run, {})
    found = [r for r in runs(server, "cut-off") if RUN_TAG in pairs(r, "tags")]
    assert [r["info"]["run_id"] for r in found] == [whole]


def test_more_parameters_than_a_request_takes(server: str) -> None:
    many = {f"parameter_{number}": "x" * 6000 for number in range(150)}
    run = replace(tracked(), experiment="many", params=many, trials=[])
    MLflowServer(server).track(run, {})
    (found,) = runs(server, "many")
    assert pairs(found, "params").keys() == many.keys()


def test_a_server_that_is_down_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("dropforge.aws.mlflow.time.sleep", pauses.append)
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(TrackingUnavailable, match=f"Tried 3 times to reach .* {address}"):
        MLflowServer(address).track(tracked(), {})
    assert pauses == [1, 2]


def test_the_lock_is_what_is_installed(server: str) -> None:
    with urlopen(f"{server}/version") as answer:
        version = answer.read().decode()
    lock = Path(mlflow.__file__).parents[2] / "requirements" / "mlflow.txt"
    assert f"mlflow=={version} " in lock.read_text(encoding="utf-8")
