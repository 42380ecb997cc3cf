"""How long each type of a viewer's messages is, and how it is read."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from ...errors import DownstreamViolation
from ..pixels import PixelFormat
from .messages import (
    ClientCutText,
    ClientMessage,
    EnableContinuousUpdates,
    ExtensionMessage,
    Fence,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    QEMUAudioFormat,
    QEMUKeyEvent,
    SetDesktopSize,
    SetEncodings,
    SetPixelFormat,
    XvpRequest,
)

MAX_ENCODINGS = 1024
MAX_CUT_TEXT = 1 << 20
MAX_FENCE = 64
MAX_SCREENS = 64

_QEMU_AUDIO = {0: 4, 1: 4, 2: 10}
"""Operations (enable, disable, set format) and the length of their messages."""


class Layout(NamedTuple):
    """How one type of message is parsed.

    Attributes:
        head: number of bytes needed to compute the length of the message.
        length: length of the message whose head begins at a place in some bytes.
        whole: whether ``read`` needs the whole message, and not only its head.
        read: builds the message from its bytes and its length.
    """

    head: int
    length: Callable[[bytes, int], int]
    whole: bool
    read: Callable[[bytes, int], ClientMessage]


def read_message(data: bytes, length: int) -> ClientMessage:
    """Return the message with these bytes, the whole of it or, for a long one, its head.

    Args:
        length: the length of the whole message.

    Raises:
        DownstreamViolation: it has values that no viewer sends.
    """
    return LAYOUTS[data[0]].read(data, length)


def _within(what: str, number: int, limit: int) -> int:
    if number > limit:
        raise DownstreamViolation(f"{number} {what}, at most {limit}")
    return number


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _fixed(length: int) -> Callable[[bytes, int], int]:
    return lambda data, at: length


def _encodings_length(data: bytes, at: int) -> int:
    return 4 + 4 * _within("encodings", _u16(data, at + 2), MAX_ENCODINGS)


def _cut_text_length(data: bytes, at: int) -> int:
    size = abs(int.from_bytes(data[at + 4 : at + 8], "big", signed=True))
    return 8 + _within("bytes of cut text", size, MAX_CUT_TEXT)


def _fence_length(data: bytes, at: int) -> int:
    return 9 + _within("bytes of fence", data[at + 8], MAX_FENCE)


def _screens_length(data: bytes, at: int) -> int:
    return 8 + 16 * _within("screens", data[at + 6], MAX_SCREENS)


def _gii_length(data: bytes, at: int) -> int:
    return 4 + int.from_bytes(data[at + 2 : at + 4], "big" if data[at + 1] & 0x80 else "little")


def _vmware_length(data: bytes, at: int) -> int:
    length = _u16(data, at + 2)
    if length < 4:
        raise DownstreamViolation(f"VMware message of {length} bytes, at least 4")
    return length


def _qemu_length(data: bytes, at: int) -> int:
    subtype, operation = data[at + 1], _u16(data, at + 2)
    if subtype == 0:
        return 12
    if subtype == 1 and operation in _QEMU_AUDIO:
        return _QEMU_AUDIO[operation]
    raise DownstreamViolation(f"QEMU message {subtype} operation {operation} is unknown")


def _set_pixel_format(data: bytes, _: int) -> SetPixelFormat:
    try:
        return SetPixelFormat(PixelFormat.unpack(data[4:]))
    except ValueError as e:
        raise DownstreamViolation(f"pixel format: {e}") from e


def _set_encodings(data: bytes, _: int) -> SetEncodings:
    return SetEncodings(struct.unpack(f">{len(data) // 4 - 1}i", data[4:]))


def _update_request(data: bytes, _: int) -> FramebufferUpdateRequest:
    return FramebufferUpdateRequest(*struct.unpack(">x?HHHH", data))


def _key_event(data: bytes, _: int) -> KeyEvent:
    return KeyEvent(*struct.unpack(">x?2xI", data))


def _pointer_event(data: bytes, _: int) -> PointerEvent:
    return PointerEvent(*struct.unpack(">xBHH", data))


def _cut_text(head: bytes, length: int) -> ClientCutText:
    return ClientCutText(length, extended=bool(head[4] & 0x80))


def _continuous_updates(data: bytes, _: int) -> EnableContinuousUpdates:
    return EnableContinuousUpdates(*struct.unpack(">x?HHHH", data))


def _fence(data: bytes, _: int) -> Fence:
    return Fence(int.from_bytes(data[4:8], "big"), data[9:])


def _xvp(data: bytes, _: int) -> XvpRequest:
    return XvpRequest(data[2], data[3])


def _desktop_size(head: bytes, _: int) -> SetDesktopSize:
    return SetDesktopSize(_u16(head, 2), _u16(head, 4), head[6])


def _qemu(data: bytes, length: int) -> ClientMessage:
    if length == 12:
        return QEMUKeyEvent(*struct.unpack(">2xHII", data))
    if length == 10:
        return QEMUAudioFormat(*struct.unpack(">4xBBI", data))
    return ExtensionMessage(data[0], data[1], length)


def _other(head: bytes, length: int) -> ExtensionMessage:
    return ExtensionMessage(head[0], None, length)


def _vmware(head: bytes, length: int) -> ExtensionMessage:
    return ExtensionMessage(head[0], head[1], length)


LAYOUTS = {
    0: Layout(20, _fixed(20), True, _set_pixel_format),
    2: Layout(4, _encodings_length, True, _set_encodings),
    3: Layout(10, _fixed(10), True, _update_request),
    4: Layout(8, _fixed(8), True, _key_event),
    5: Layout(6, _fixed(6), True, _pointer_event),
    6: Layout(8, _cut_text_length, False, _cut_text),
    127: Layout(4, _vmware_length, False, _vmware),
    150: Layout(10, _fixed(10), True, _continuous_updates),
    248: Layout(9, _fence_length, True, _fence),
    250: Layout(4, _fixed(4), True, _xvp),
    251: Layout(8, _screens_length, False, _desktop_size),
    253: Layout(4, _gii_length, False, _other),
    255: Layout(4, _qemu_length, True, _qemu),
}
"""The known types of messages, by their first byte."""
