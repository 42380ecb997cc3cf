"""A file as the answer to a request, read in threads as fast as the client takes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO, Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.http import Request
from zope.interface import implementer

PIECE: Final = 1 << 18
"""Bytes that are read at once."""

Call = Callable[..., Awaitable[Any]]
"""Calls a function with arguments in a thread, and returns what it returns."""


class Part(NamedTuple):
    """A part of a file, or all of it.

    Attributes:
        file: open for reading bytes.
        offset: bytes before it.
        size: its bytes.
    """

    file: BinaryIO
    offset: int
    size: int


@implementer(IPushProducer)
class Gate:
    """Says when the client takes more.

    Attributes:
        is_gone: whether it never will.
    """

    def __init__(self) -> None:
        self.is_gone = False
        self._shut: Deferred[None] | None = None

    async def wait(self) -> None:
        """Return as soon as more may be written, or the client has gone."""
        if self._shut is not None:
            await self._shut

    def pauseProducing(self) -> None:
        """Write no more; called by the connection."""
        self._shut = self._shut or Deferred()

    def resumeProducing(self) -> None:
        """Write again; called by the connection."""
        shut, self._shut = self._shut, None
        if shut is not None:
            shut.callback(None)

    def stopProducing(self) -> None:
        """Write never again; called by the connection."""
        self.is_gone = True
        self.resumeProducing()


async def send_part(part: Part, request: Request, call: Call) -> None:
    """Send a part of a file and close the file; the request is not finished.

    Where it cannot be read to its end, the connection is closed, so that the client sees that
    something is missing.
    """
    gate = Gate()
    gate.is_gone = request.channel is None
    request.notifyFinish().addErrback(lambda failure: gate.stopProducing())
    request.setHeader("Content-Length", str(part.size))
    try:
        await call(part.file.seek, part.offset)
        if gate.is_gone:
            return
        request.registerProducer(gate, True)
        left = await _pump(part, gate, request, call)
        if not gate.is_gone:
            request.unregisterProducer()
            if left:
                request.loseConnection()
    finally:
        await call(part.file.close)


async def _pump(part: Part, gate: Gate, request: Request, call: Call) -> int:
    """Send what there is, and return how many bytes are missing."""
    left = part.size
    while left and not gate.is_gone:
        piece = await call(part.file.read, min(PIECE, left))
        if not piece:
            break
        left -= len(piece)
        if not gate.is_gone:
            request.write(piece)
            await gate.wait()
        if not gate.is_gone:
            keep_answering(request)
    return left


def keep_answering(request: Request) -> None:
    """Begin the time limit of an answer again, where its connection has one."""
    extend = getattr(request.channel, "extend_response", None)
    if extend is not None:
        extend()
