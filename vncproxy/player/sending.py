"""A file as the answer to a request, read in threads as fast as the client takes it."""

from __future__ import annotations

from typing import BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.threads import deferToThread
from twisted.web.http import Request
from zope.interface import implementer

PIECE = 1 << 17
"""Bytes that are read at once."""


@implementer(IPushProducer)
class _Gate:
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


async def send_file(file: BinaryIO, request: Request) -> None:
    """Write the whole of a file, and finish the request; the file is closed."""
    gate = _Gate()
    request.notifyFinish().addErrback(lambda failure: gate.stopProducing())
    request.registerProducer(gate, True)
    try:
        while not gate.is_gone and (piece := await deferToThread(file.read, PIECE)):
            if not gate.is_gone:
                request.write(piece)
            await gate.wait()
    finally:
        await deferToThread(file.close)
        if not gate.is_gone:
            request.unregisterProducer()
    if not gate.is_gone:
        request.finish()
