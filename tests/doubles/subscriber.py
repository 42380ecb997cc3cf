"""An owner of a subscription to Redis that records what it is called with."""

from __future__ import annotations

from zope.interface import implementer

from vncproxy.redis.subscription import ISubscriber


@implementer(ISubscriber)
class RecordingSubscriber:
    """Keeps what it is called with, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def subscribed(self) -> None:
        self.events.append(("subscribed",))

    def interrupted(self, reason: str) -> None:
        self.events.append(("interrupted", reason))

    def message_received(self, channel: str, message: bytes) -> None:
        self.events.append((channel, message))

    def names(self) -> list[object]:
        return [event[0] for event in self.events]
