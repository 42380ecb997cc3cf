"""XML-RPC over HTTP for the XenAPI library, with a time limit and a verified server.

Everything here blocks; it is called in a thread, and each thread has a connection of its own.
"""

from __future__ import annotations

import http.client
import io
import time
import xmlrpc.client
from collections.abc import Callable
from functools import partial
from socket import socket
from ssl import SSLContext
from threading import local
from typing import Any, Final

LONGEST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes, a security limit; all records of a large pool have a few million."""

_PIECE: Final = 65536


class Transport(local, xmlrpc.client.Transport):
    """Sends requests within a time limit; each thread has its own limit and connection.

    Args:
        context: for TLS, and verifies the server; None speaks plain HTTP.

    Attributes:
        until: when the thread's requests must be over, in seconds of the monotonic clock.
    """

    accept_gzip_encoding = False
    user_agent = "vncproxy"

    def __init__(self, context: SSLContext | None) -> None:
        super().__init__()
        self._context = context
        self._kept: http.client.HTTPConnection | None = None
        self.until = 0.0

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """Return the thread's connection, perhaps not yet connected; called by ``xmlrpc``."""
        left = self.left()
        connection = self._kept
        if connection is None:
            self._kept = connection = self._new(host, left)
            connection.response_class = partial(_Response, self.left)  # type: ignore[assignment]
        if connection.sock is not None:
            connection.sock.settimeout(left)
        connection.timeout = left
        return connection

    def close(self) -> None:
        """Close the thread's connection; called by ``xmlrpc`` after a failure."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _new(self, host: str, timeout: float) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(host, timeout=timeout)
        return http.client.HTTPSConnection(host, timeout=timeout, context=self._context)

    def parse_response(self, response: Any) -> Any:
        """Read and parse an answer that is neither too late nor too long; called by ``xmlrpc``."""
        parser, target = self.getparser()
        size = 0
        while piece := response.read1(_PIECE):
            size += len(piece)
            if size > LONGEST_ANSWER:
                raise http.client.HTTPException(f"an answer of more than {LONGEST_ANSWER} bytes")
            parser.feed(piece)
        # read1 does not notice that it has come to the end
        response.close()
        parser.close()
        return target.close()


class _Response(http.client.HTTPResponse):
    """An answer whose every read is limited by the time that is left."""

    def __init__(self, left: Callable[[], float], sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Limited(left, sock, self.fp.detach()))


class _Limited(io.RawIOBase):
    """A socket's bytes within a time limit for all; the socket's own limit is for each read."""

    def __init__(self, left: Callable[[], float], sock: socket, raw: io.RawIOBase) -> None:
        self._left = left
        self._socket = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
