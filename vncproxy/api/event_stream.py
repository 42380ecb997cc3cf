"""Server-sent events: their bytes, and a response that is a stream of them (WHATWG HTML, 9.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from ..player.sending import keep_answering

HEARTBEAT: Final = 10.0
"""Seconds of silence after which a comment is sent."""

SLOWEST: Final = 20.0
"""Seconds for which a reader may take nothing."""

_COMMENT: Final = b":\n\n"


def encode_event(name: str, data: object) -> bytes:
    """Return one event; JSON has no line ends, so its data is one line."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


@implementer(IPushProducer)
class EventStream:
    """The response to a reader.

    At most one event of each name waits for a reader that takes none; a later one takes its place.
    A reader that takes nothing for `SLOWEST` seconds is let go.

    Args:
        request: its header is written with the first event.
        seconds: a monotonic clock.

    Attributes:
        ended: fires when nothing more is sent, whatever the reason.
    """

    def __init__(self, request: Request, seconds: Callable[[], float]) -> None:
        self.ended: Deferred[None] = Deferred()
        self._request = request
        self._seconds = seconds
        self._waiting: dict[str, bytes] = {}
        self._paused_at: float | None = None
        self._sent_at = seconds()
        request.notifyFinish().addErrback(lambda _: self.stopProducing())
        if request.channel is None:
            self.stopProducing()
        else:
            request.registerProducer(self, True)

    def send(self, name: str, data: object) -> None:
        """Send an event, as soon as the reader takes one."""
        if self.ended.called:
            return
        self._waiting[name] = encode_event(name, data)
        if self._paused_at is None:
            self._flush()

    def check(self) -> None:
        """Send a sign of life, if it is time for one, or let a reader go that takes nothing."""
        now = self._seconds()
        if self.ended.called:
            return
        if self._paused_at is not None:
            if now - self._paused_at >= SLOWEST:
                self.end("slow")
        elif now - self._sent_at >= HEARTBEAT:
            self._write(_COMMENT)

    def end(self, reason: str) -> None:
        """Send the last event, with the reason, and nothing more."""
        if not self.ended.called:
            self._waiting.clear()
            self._write(encode_event("end", {"reason": reason}))
            self._finish()

    def pauseProducing(self) -> None:
        """Let events wait; called by the connection."""
        if self._paused_at is None:
            self._paused_at = self._seconds()

    def resumeProducing(self) -> None:
        """Send what waits; called by the connection."""
        self._paused_at = None
        self._flush()

    def stopProducing(self) -> None:
        """Send never again; called by the connection."""
        self._finish(unregister=False)

    def _flush(self) -> None:
        while self._waiting and self._paused_at is None:
            self._write(self._waiting.pop(next(iter(self._waiting))))

    def _write(self, data: bytes) -> None:
        self._sent_at = self._seconds()
        self._request.write(data)
        if self._paused_at is None:
            keep_answering(self._request)

    def _finish(self, *, unregister: bool = True) -> None:
        if not self.ended.called:
            if unregister:
                self._request.unregisterProducer()
            self.ended.callback(None)
