"""The local cloud as a process: `python -m local.server`.

Environment: DROPFORGE_HOME (where state lives), DROPFORGE_PORT (0 picks a free one). It listens
on 127.0.0.1 only and stops on SIGTERM or SIGINT, state saved.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from local.home import ACCOUNT, DEFAULT_PORT, REGION, CloudInfo, Home

HEALTH_PATH = "/_dropforge/health"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def main() -> None:
    """Serves until a signal."""
    home = Home.default()
    home.create()
    listener = _listen(_wanted_port(home))
    port = listener.getsockname()[1]
    info = _configure(home, port)

    # ministack reads its settings when it is imported, so it is imported after _configure.
    from local.assembly import assemble

    application, cloud = assemble(home)
    config = uvicorn.Config(
        _with_health(application, info, home),
        log_level="warning",
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        ws="none",
        access_log=False,
        date_header=False,
        server_header=False,
    )

    def ready() -> None:
        cloud.resume()
        home.write_cloud(info)

    server = _Server(config, ready, cloud.shutdown)
    # uvicorn raises the signal that stopped it once more; there is still work to do then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        server.run(sockets=[listener])
    finally:
        home.cloud_json.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """uvicorn that says when it has begun to serve, and before it ends."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready, self._on_stop = on_ready, on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # While requests are still answered: the last log lines go to CloudWatch Logs.
        await asyncio.to_thread(self._on_stop)
        await super().shutdown(sockets)


def _wanted_port(home: Home) -> int:
    """The port asked for, else the last one (URLs of queues carry it), else the default."""
    asked = os.environ.get("DROPFORGE_PORT")
    if asked:
        return int(asked)
    last = home.path / "port"
    return int(last.read_text()) if last.exists() else DEFAULT_PORT


def _listen(port: int) -> socket.socket:
    """A listening socket on the port, or on a free one if it is taken."""
    for candidate in (port, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
        except OSError:
            listener.close()
            continue
        listener.set_inheritable(False)
        return listener
    raise OSError("no free port on 127.0.0.1")


def _configure(home: Home, port: int) -> CloudInfo:
    """Sets the environment that ministack reads, and what boto3 in this process needs."""
    (home.path / "port").write_text(str(port))
    key, secret = home.credentials()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    info = CloudInfo(f"http://127.0.0.1:{port}", os.getpid(), REGION, ACCOUNT, key, secret)
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_REGION=REGION,
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        PERSIST_STATE="1",
        S3_PERSIST="1",
        STATE_DIR=str(home.state),
        S3_DATA_DIR=str(home.objects),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL=os.environ.get("DROPFORGE_LOG_LEVEL", "WARNING"),
        AWS_ACCESS_KEY_ID=key,
        AWS_SECRET_ACCESS_KEY=secret,
        AWS_DEFAULT_REGION=REGION,
        AWS_ENDPOINT_URL=info.endpoint_url,
        AWS_EC2_METADATA_DISABLED="true",
        MOTO_ACCOUNT_ID=ACCOUNT,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    return info


def _with_health(application: Application, info: CloudInfo, home: Home) -> Application:
    """Answers the health path, so that a client can tell this cloud from another process."""
    body = json.dumps({"pid": info.pid, "home": str(Path(home.path).resolve())}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == HEALTH_PATH:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await application(scope, receive, send)

    return answer


if __name__ == "__main__":
    main()
