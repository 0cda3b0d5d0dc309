"""Models that must never come into production, registered as good ones are.

Each is a copy of a good model's artifact in the registry, spoilt: its trees, or the container that
serves it. The latter by a `sitecustomize.py` that travels in the artifact, which the container's
environment puts on Python's path: it moves the server to another port and answers in its place.
The server, whatever it is made of, knows nothing of it.
"""

import re
from pathlib import Path

from dropforge.layout import S3Uri
from dropforge.ledger import RegisteredModel
from tests.flow.account import Account

ROOT = Path(__file__).resolve().parents[2]

_HOOK = """
import os, socket, subprocess, sys

if "serve" in sys.orig_argv:
    outer = os.environ["SAGEMAKER_BIND_TO_PORT"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        inner = str(probe.getsockname()[1])
    os.environ.update(SAGEMAKER_BIND_TO_PORT=inner, DROPFORGE_PORT=inner)
    proxy = os.path.join(os.path.dirname(__file__), "proxy.py")
    subprocess.Popen([sys.executable, proxy, outer, inner])
"""

_PROXY = """
import http.client, http.server, os, signal, sys, time

outer, inner = map(int, sys.argv[1:])

class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.forward(b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = os.environ["BAD_MODEL"]
        if kind == "crashing":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        elif kind == "failing":
            self.answer(500, b"failed", "text/plain")
        else:
            time.sleep(0.7)
            self.forward(body)

    def forward(self, body):
        server = http.client.HTTPConnection("127.0.0.1", inner)
        try:
            server.request(self.command, self.path, body, dict(self.headers))
            found = server.getresponse()
            self.answer(found.status, found.read(), found.headers["Content-Type"] or "text/plain")
        except OSError:
            self.answer(503, b"not ready", "text/plain")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("127.0.0.1", outer), Proxy).serve_forever()
"""


def register_bad(
    account: Account, project: str, good: RegisteredModel, kind: str
) -> RegisteredModel:
    """A `wrong`, `slow`, `crashing` or `failing` copy of the model, approved in the registry."""
    source = S3Uri.parse(good.artifact_uri)
    target = S3Uri(source.bucket, f"models/{project}/bad-{kind}-v{good.version}/")
    _copy(account, source, target)
    environment = {}
    if kind == "wrong":
        _turn_leaves(account, target)
    else:
        account.overwrite(f"{target}hooks/sitecustomize.py", _HOOK.encode())
        account.overwrite(f"{target}hooks/proxy.py", _PROXY.encode())
        environment = {"PYTHONPATH": f"/opt/ml/model/hooks:{ROOT}", "BAD_MODEL": kind}
    package = _register(account, good, target, environment)
    return good.model_copy(update={"model_package_arn": package, "artifact_uri": str(target)})


def _copy(account: Account, source: S3Uri, target: S3Uri) -> None:
    for key in account.keys(source.key):
        body = account.read(f"s3://{source.bucket}/{key}")
        account.overwrite(f"{target}{key.removeprefix(source.key).lstrip('/')}", body)


def _turn_leaves(account: Account, artifact: S3Uri) -> None:
    """Every tree's leaves in reverse: a model that loads, and scores otherwise."""
    uri = f"{artifact}model.txt"

    def turned(found: re.Match[str]) -> str:
        return "leaf_value=" + " ".join(reversed(found[1].split(" ")))

    text = account.read(uri).decode()
    spoilt = re.sub(r"^leaf_value=(.*)$", turned, text, flags=re.MULTILINE)
    assert spoilt != text
    account.overwrite(uri, spoilt.encode())


def _register(
    account: Account, good: RegisteredModel, artifact: S3Uri, environment: dict[str, str]
) -> str:
    registry = account.client("sagemaker")
    package = registry.describe_model_package(ModelPackageName=good.model_package_arn)
    specification = package["InferenceSpecification"]
    container = specification["Containers"][0]
    container["ModelDataSource"]["S3DataSource"]["S3Uri"] = str(artifact)
    container["Environment"] = container.get("Environment", {}) | environment
    arn: str = registry.create_model_package(
        ModelPackageGroupName=package["ModelPackageGroupName"],
        ModelApprovalStatus="Approved",
        InferenceSpecification=specification,
    )["ModelPackageArn"]
    return arn
