"""The entries of a playable copy: what is played, and when."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

HEAD: Final = struct.Struct(">BQI")
"""Kind, microseconds since the beginning, and number of bytes."""


class Kind(IntEnum):
    """What the data of an entry is.

    Attributes:
        SERVER: an RFB message, in the pixel format of noVNC; each rectangle can be decoded alone.
        VIEWER: a message of the viewer: of its pointer, or of a key where keys are recorded.
        LEFT_OUT: the first byte of such a message that is not recorded.
        KEY_FRAME: RFB messages that make the whole screen, its size and its cursor.
        REACHED: while a recording is followed: how many bytes of it were read, and how many it
            has, in 8 bytes each.
        END: the end of a recording that was followed, as JSON.
    """

    SERVER = 0
    VIEWER = 1
    LEFT_OUT = 2
    KEY_FRAME = 3
    REACHED = 4
    END = 5


_KINDS: Final = frozenset(map(int, Kind))


class Entry(NamedTuple):
    """Something to be played.

    Attributes:
        moment: in microseconds since the beginning of the recording.
    """

    kind: Kind
    moment: int
    data: bytes

    def pack(self) -> bytes:
        """Return the entry as it stands in a segment."""
        return HEAD.pack(self.kind, self.moment, len(self.data)) + self.data


class MalformedSegment(ValueError):
    """Bytes that are no entries."""


def unpack_entries(data: bytes) -> Iterator[Entry]:
    """Yield the entries of a segment.

    Raises:
        MalformedSegment: it has none, or they are not whole.
    """
    at, end = 0, len(data)
    while at < end:
        if at + HEAD.size > end:
            raise MalformedSegment(f"{end - at} bytes instead of an entry's head")
        kind, moment, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + size > end or kind not in _KINDS:
            raise MalformedSegment(f"an entry of {size} bytes and of kind {kind}")
        yield Entry(Kind(kind), moment, data[at : at + size])
        at += size
