"""The sockets that a server listens on."""

import socket

from dropforge.errors import RunFailed


class ServerFailed(RunFailed):
    """The server cannot start, or does not stay up."""


def listen_on(host: str, port: int, workers: int) -> list[socket.socket]:
    """A socket a worker, bound and not yet listening.

    Raises:
        ServerFailed: the port is another's.
    """
    try:
        # SO_REUSEPORT alone would share the port with any server of this user's.
        _bound(host, port, shared=False).close()
        return [_bound(host, port, shared=True) for _ in range(workers)]
    except OSError as error:
        raise ServerFailed(
            f"{host}:{port} cannot be listened on: {error.strerror}. Nothing was served."
        ) from error


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound
