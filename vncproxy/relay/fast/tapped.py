"""The way of a direction whose bytes are copied, and go from socket to socket all the same."""

from __future__ import annotations

from typing import Protocol

from ...interfaces import ITap
from ..leg import Leg
from .dispatcher import Dispatcher


class SendsPayload(Protocol):
    """What a pump passes its bytes to: another pump, with or without a tap before it."""

    def send_payload(self, start: int, end: int) -> None:
        """Send payload in the dispatcher's buffer."""


class Tapped:
    """Gives payload to a tap, and then to a pump.

    Sessions that have none are joined without this, and so cost nothing more.

    Args:
        source: the leg that has received the payload.
    """

    __slots__ = ("_dispatcher", "_pump", "_source", "_tap")

    def __init__(self, pump: SendsPayload, tap: ITap, source: Leg, dispatcher: Dispatcher) -> None:
        self._pump = pump
        self._tap = tap
        self._source = source
        self._dispatcher = dispatcher

    def send_payload(self, start: int, end: int) -> None:
        """Copy payload, and send it: a pump may mask it in place."""
        dispatcher = self._dispatcher
        if self._tap.copy(dispatcher.view[start:end], self._source.last_received_at):
            dispatcher.end_turn()
        self._pump.send_payload(start, end)
