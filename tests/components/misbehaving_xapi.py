"""Servers that answer XML-RPC wrongly, slowly or not at all."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread


def xml(value: bytes) -> bytes:
    body = b"<methodResponse><params><param><value>%s</value></param></params></methodResponse>"
    body %= value
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def trickle(client: socket.socket, data: bytes) -> None:
    for at in range(len(data)):
        client.sendall(data[at : at + 1])
        time.sleep(0.01)


def _read_call(client: socket.socket) -> None:
    """Read all of it: what is not read would turn the end of the answer into a reset."""
    call, piece = b"", b"?"
    while piece and not call.rstrip().endswith(b"</methodCall>"):
        piece = client.recv(65536)
        call += piece


@contextmanager
def serving(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Run a server that reads a call, answers, and closes; yields its port."""

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):
                    _read_call(client)
                    answer(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent() -> Iterator[int]:
    """Listen without ever answering; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
