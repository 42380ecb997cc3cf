"""What a session's sides sent, and when."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple

HEAD: Final = struct.Struct(">BQI")
"""Source, microseconds since the beginning, and number of bytes."""


class Source(IntEnum):
    """Where the bytes of an event come from.

    Attributes:
        SERVER: RFB from the console's server, ServerInit first.
        VIEWER: RFB messages as they went to the server.
        LEFT_OUT: the first bytes of messages that went there and are not recorded.
    """

    SERVER = 0
    VIEWER = 1
    LEFT_OUT = 2


_SOURCES: Final = frozenset(map(int, Source))


class Event(NamedTuple):
    """Bytes of one side.

    Attributes:
        moment: in microseconds since the beginning of the recording.
    """

    source: Source
    moment: int
    data: bytes


class MalformedEvents(ValueError):
    """Bytes that are no events."""


def pack_events(events: Iterable[Event]) -> bytes:
    """Return events as they stand in a chunk."""
    parts = []
    for each in events:
        parts += [HEAD.pack(each.source, each.moment, len(each.data)), each.data]
    return b"".join(parts)


def unpack_events(data: bytes) -> Iterator[Event]:
    """Yield the events of a chunk.

    Raises:
        MalformedEvents: it has none, or they are not whole.
    """
    at, end = 0, len(data)
    while at < end:
        if at + HEAD.size > end:
            raise MalformedEvents(f"{end - at} bytes instead of an event's head")
        source, moment, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + size > end or source not in _SOURCES:
            raise MalformedEvents(f"an event of {size} bytes from source {source}")
        yield Event(Source(source), moment, data[at : at + size])
        at += size
