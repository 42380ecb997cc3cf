"""The messages of the extended clipboard, in both directions.

The registry calls them "extended clipboard pseudo-encoding": cut text with a negative length,
flags, and for the action ``provide`` a zlib stream of sizes and data.
"""

from __future__ import annotations

import zlib
from enum import IntFlag

from ..errors import ViewerMessageRefused
from ..rfb.client_messages import MAX_CUT_TEXT

_FORMATS = 0xFFFF


class Action(IntFlag):
    """What a message does."""

    CAPS = 1 << 24
    REQUEST = 1 << 25
    PEEK = 1 << 26
    NOTIFY = 1 << 27
    PROVIDE = 1 << 28


_ALL = Action.CAPS | Action.REQUEST | Action.PEEK | Action.NOTIFY | Action.PROVIDE
OFFERS = Action.NOTIFY | Action.PROVIDE
"""What the owner of a text sends."""

ASKS = Action.REQUEST | Action.PEEK
"""What the other side sends."""


def action_of(body: bytes) -> Action:
    """Return what a message does.

    Args:
        body: what follows the 8 bytes of the head.

    Raises:
        ViewerMessageRefused: it does nothing, several things, or is too short or long for it.
    """
    if len(body) < 4:
        raise ViewerMessageRefused(f"extended clipboard message of {len(body)} bytes, at least 4")
    flags = int.from_bytes(body[:4], "big")
    action = Action(flags & _ALL)
    if action & Action.CAPS:
        return _checked(Action.CAPS, len(body), 4 + 4 * (flags & _FORMATS).bit_count())
    if action.bit_count() != 1:
        raise ViewerMessageRefused(f"extended clipboard message with the flags {flags:#x}")
    return action if action is Action.PROVIDE else _checked(action, len(body), 4)


def _checked(action: Action, length: int, expected: int) -> Action:
    if length != expected:
        raise ViewerMessageRefused(
            f"extended clipboard message of {length} bytes, expected {expected}"
        )
    return action


def provided_size(body: bytes) -> int:
    """Return how many bytes of data a ``provide`` message has, decompressed.

    Raises:
        ViewerMessageRefused: it is no zlib stream, has data behind it, more than it says or less,
            or is larger than any clipboard.
    """
    count = (int.from_bytes(body[:4], "big") & _FORMATS).bit_count()
    data, total = _inflate(body[4:], MAX_CUT_TEXT + 4 * count), 0
    at = 0
    for _ in range(count):
        size = int.from_bytes(data[at : at + 4], "big")
        at, total = at + 4 + size, total + size
        if at > len(data):
            raise ViewerMessageRefused(f"clipboard data of {len(data)} bytes, expected {at}")
    if at < len(data):
        raise ViewerMessageRefused(f"clipboard data with {len(data) - at} bytes behind it")
    return total


def _inflate(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, limit + 1)
    except zlib.error as e:
        raise ViewerMessageRefused(f"clipboard data: {e}") from e
    if len(inflated) > limit:
        raise ViewerMessageRefused(f"clipboard data of more than {limit} bytes, compressed")
    if stream.unused_data:
        raise ViewerMessageRefused("clipboard data with bytes behind its zlib stream")
    return inflated
