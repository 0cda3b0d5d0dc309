"""Stands for `python -m sagemaker_jobs`: does what its arguments or hyperparameters say."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(os.environ["DROPFORGE_ML_ROOT"])


def process(arguments: list[str]) -> int:
    """Processing: `copy`, `environment`, `s3 BUCKET KEY`, `sleep S`, `fail CODE MESSAGE`."""
    verb, *rest = arguments
    print(f"processing: {verb}", flush=True)
    if verb == "copy":
        source, target = map(Path, rest)
        target.mkdir(parents=True, exist_ok=True)
        for file in source.rglob("*"):
            if file.is_file():
                (target / file.name).write_bytes(file.read_bytes().upper())
    elif verb == "environment":
        Path(rest[0]).mkdir(parents=True, exist_ok=True)
        (Path(rest[0]) / "environment.json").write_text(json.dumps(dict(os.environ)))
    elif verb == "s3":
        import boto3

        boto3.client("s3").get_object(Bucket=rest[0], Key=rest[1])
    elif verb == "sleep":
        time.sleep(float(rest[0]))
    elif verb == "fail":
        (ROOT / "output").mkdir(exist_ok=True)
        (ROOT / "output" / "message").write_text(rest[1])
        return int(rest[0])
    else:
        return 64
    return 0


def train() -> int:
    """Training: hyperparameter `verb` is `fit`, `fail` or `sleep`."""
    parameters = json.loads((ROOT / "input/config/hyperparameters.json").read_text())
    rows = sum(
        len(file.read_text().splitlines())
        for file in (ROOT / "input/data").rglob("*")
        if file.is_file()
    )
    print(f"training on {rows} lines", flush=True)
    verb = parameters.get("verb", "fit")
    if verb == "sleep":
        (ROOT / "model/partial.txt").write_text("partial")
        time.sleep(float(parameters["seconds"]))
    if verb == "fail":
        (ROOT / "output/failure").write_text("nothing to learn")
        return 3
    (ROOT / "model/model.txt").write_text(f"{rows}")
    (ROOT / "model/sub").mkdir()
    (ROOT / "model/sub/more.txt").write_text("more")
    return 0


class Handler(BaseHTTPRequestHandler):
    """Answers `<FACTOR from the environment or model.txt> * number` a line.

    `die` ends the process, `fail` is answered with 500, `hold PATH` is answered
    once there is such a file; FAILING in the
    environment: everything is.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if body == "die":
            os._exit(1)
        if body == "fail" or os.environ.get("FAILING"):
            self._answer(500, b"failed", "text/plain")
            return
        if body.startswith("hold "):
            while not Path(body.removeprefix("hold ")).exists():
                time.sleep(0.02)
            body = "1"
        factor = int(os.environ.get("FACTOR") or (ROOT / "model/model.txt").read_text())
        try:
            lines = [str(factor * int(line)) for line in body.split()]
        except ValueError:
            self._answer(400, b"not a number", "text/plain")
            return
        accept = self.headers.get("Accept") or "text/csv"
        self._answer(200, "\n".join(lines).encode(), accept)

    def log_message(self, *_: object) -> None:
        """Nothing a request: load tests make thousands."""

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve() -> int:
    """A server, unless BROKEN is set."""
    if os.environ.get("BROKEN"):
        print("broken", flush=True)
        return 1
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()
    return 0


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    sys.exit(train() if job == "train" else serve() if job == "serve" else process(arguments))
