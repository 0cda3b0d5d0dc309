"""The server as processes: the port, SIGTERM, workers that die, or cannot load, or are asked."""

import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.unit.serving.calling import ROW
from tests.unit.serving.servers import Start, until


def test_every_worker_answers_and_all_are_counted_together(start: Start) -> None:
    server = start()
    assert len(server.workers()) == 2
    answers = [server.ask() for _ in range(20)]
    assert {status for status, _ in answers} == {200}
    ids = {answer["inference_id"].partition("-")[0] for _, answer in answers}
    assert len(ids) == 2  # each worker makes ids of its own
    assert server.count('dropforge_requests_total{status="200"}') == 20
    assert server.count("dropforge_rows_total") == 20
    assert server.count("dropforge_in_flight") == 0


def test_sigterm_ends_all_processes_and_writes_the_log(start: Start) -> None:
    server = start()
    workers = server.workers()
    assert server.ask()[0] == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    assert not server.pings()
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert [(line["status"], line["rows"]) for line in lines] == [(200, 1)]


def test_a_request_in_flight_is_finished_and_nobody_new_is_heard(start: Start) -> None:
    server = start()
    body = json.dumps(ROW).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        head = (
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:10])
        until(lambda: server.count("dropforge_in_flight") == 1, "the request is not begun")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not server.pings(), "the port is still open")
        assert server.process.poll() is None
        connection.sendall(body[10:])
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"predictions"' in answer
    assert server.process.wait(timeout=30) == 0


def test_a_worker_that_dies_is_replaced(start: Start) -> None:
    server = start()
    first, second = server.workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: server.count("dropforge_worker_starts_total") == 3, "it is not replaced")
    until(lambda: len(server.workers()) == 2, "it is not replaced")
    assert second in server.workers()
    answers = [server.ask() for _ in range(20)]
    assert {status for status, _ in answers} == {200}
    assert f"worker {first} ended by SIGKILL: it is replaced" in server.log


def test_workers_that_die_again_and_again_end_the_container(start: Start) -> None:
    server = start(DROPFORGE_WORKERS="1")

    def kill() -> bool:
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        return server.process.poll() is not None

    def killed_when_it_serves() -> bool:
        if server.process.poll() is None and server.pings():
            kill()
        return server.process.poll() is not None

    until(killed_when_it_serves, "it does not end")
    assert server.process.wait(timeout=30) == 1
    assert "5 workers died within 60 s, the last ended by SIGKILL" in server.log


def test_a_worker_that_cannot_load_ends_the_container_with_the_reason(start: Start) -> None:
    server = start()
    (server.folder / "model" / "model.txt").write_text("no model")
    os.kill(server.workers()[0], signal.SIGKILL)
    assert server.process.wait(timeout=60) == 1
    assert "LightGBM refused" in server.log
    until(lambda: not server.workers(), "the other worker lives on")


def test_workers_end_with_their_supervisor(start: Start) -> None:
    server = start()
    workers = server.workers()
    server.process.kill()
    server.process.wait()

    def ended() -> bool:
        return not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers)

    until(ended, "a worker lives on")


def test_a_port_in_use_is_said(start: Start) -> None:
    first = start()
    second = start(ready=False, port=first.port)
    assert second.process.wait(timeout=60) == 1
    assert f"127.0.0.1:{first.port} cannot be listened on" in second.log
    assert first.ask()[0] == 200


def test_a_setting_that_cannot_be_meant_is_said(start: Start) -> None:
    server = start(ready=False, DROPFORGE_MAX_PENDING="none")
    assert server.process.wait(timeout=60) == 1
    assert "DROPFORGE_MAX_PENDING must be a whole number" in server.log


def test_too_many_at_once_are_sent_back_and_ping_is_answered(start: Start) -> None:
    server = start(DROPFORGE_WORKERS="1", DROPFORGE_MAX_PENDING="2")
    rows = [ROW] * 60_000
    statuses: list[int] = []

    def ask() -> None:
        status, document = server.ask(rows)
        statuses.append(status)
        if status == 503:
            assert document["error"] == "Overloaded"

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert server.pings()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 503}
    assert statuses.count(503) == server.count("dropforge_rejected_total")
    assert server.ask()[0] == 200
