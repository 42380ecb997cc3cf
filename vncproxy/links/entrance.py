"""The HTTP resource where links and tunnels of other zones arrive."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from ..errors import VNCProxyError, ZoneError, ZoneKeyRefused, ZoneUnknown, ZoneUnreachable
from ..zones.receiving import told
from ..zones.request import Act
from .upgrade import PROTOCOL, WHY_HEADER

Door = Callable[[HTTPRequest], Awaitable[Callable[[Any], None]]]
"""Admits a request, or raises why not; what it returns takes the connection, or None if lost."""

_ANSWER = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {}\r\n\r\n"


class ArrivedTunnel:
    """A tunnel that has reached this process."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def hand_over(self, successor: IProtocol) -> None:
        """Give it to a protocol for good."""
        self._channel.hand_over(successor)

    def abort(self) -> None:
        """Close it."""
        self._channel.transport.abortConnection()


class Entrance(Resource):
    """Serves ``zones/link`` and ``zones/tunnel``.

    Args:
        doors: what is done with each kind of request: it returns a function that takes the
            connection once the request is answered with 101.
    """

    log = Logger()
    isLeaf = True

    def __init__(self, doors: Mapping[Act, Door]) -> None:
        super().__init__()
        self._doors = doors

    def render(self, request: HTTPRequest) -> Any:
        """Serve any request."""
        last = request.path.rpartition(b"/")[2].decode("ascii", "replace")
        act = next((act for act in self._doors if act.value == last), None)
        if act is None or request.method != b"GET":
            return _plain(request, 404, b"There is nothing here.\n")
        upgrade = request.requestHeaders.getRawHeaders(b"upgrade") or [b""]
        if upgrade[-1].strip().lower() != PROTOCOL.encode():
            request.setHeader("Upgrade", PROTOCOL)
            return _plain(request, 426, b"This is an address for the proxies of other zones.\n")
        channel: Any = request.channel
        if channel.connections.refusals.refuses_cheaply(_client(request)):
            return _plain(request, 429, b"Too many requests from your address were refused.\n")
        lost: list[Failure] = []
        request.notifyFinish().addErrback(lost.append)
        serving = Deferred.fromCoroutine(self._serve(request, act, lost))
        serving.addErrback(lambda f: self.log.failure("a link or tunnel was not served", f))
        return NOT_DONE_YET

    async def _serve(self, request: HTTPRequest, act: Act, lost: list[Failure]) -> None:
        try:
            take = await self._doors[act](request)
        except VNCProxyError as e:
            self._log_refusal(request, act, e)
            if not lost:
                _refuse(request, e)
            return
        channel: Any = request.channel
        if lost or channel is None:
            take(None)
            return
        # from now on it is no connection of a user
        channel.slot.release()
        channel.transport.write(_ANSWER.format(PROTOCOL).encode())
        take(channel)

    def _log_refusal(self, request: HTTPRequest, act: Act, error: VNCProxyError) -> None:
        """Log a refusal; those of strangers count, and beyond a limit they have no line."""
        what, why = f"zone {act.value}", f"{error.code}: {error}"
        channel: Any = request.channel
        if isinstance(error, ZoneUnknown | ZoneKeyRefused) and channel is not None:
            channel.connections.refusals.log_refusal(_client(request), what, why)
        else:
            self.log.warn(
                "{what} from {client} refused: {why}", what=what, client=_client(request), why=why
            )


def _client(request: HTTPRequest) -> str:
    """Return the address of a connection's peer; that of nowhere for a unix socket's."""
    return str(getattr(request.getClientAddress(), "host", "")) or "0.0.0.0"  # noqa: S104


def _refuse(request: HTTPRequest, error: VNCProxyError) -> None:
    words = told(error) if isinstance(error, ZoneError) else error.sentence()
    status = 503 if error.status == 503 else 403
    if isinstance(error, ZoneUnreachable):
        status = 404
    request.setResponseCode(status)
    request.setHeader("Content-Type", "application/json")
    request.setHeader(WHY_HEADER, f"{error.code}: {words}".encode("ascii", "replace"))
    request.setHeader("Connection", "close")
    request.channel.persistent = False
    request.write(json.dumps({"error": {"code": error.code, "message": words}}).encode() + b"\n")
    request.finish()


def _plain(request: HTTPRequest, status: int, text: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", "text/plain; charset=utf-8")
    return text
