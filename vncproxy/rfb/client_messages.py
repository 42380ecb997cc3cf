"""Parses a viewer's messages after the handshake (RFC 6143 section 7.5).

Memory is bounded: bodies that are not parsed are counted and skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import DownstreamViolation
from .pixels import PixelFormat

MAX_ENCODINGS = 1024
MAX_CUT_TEXT = 1 << 20
MAX_FENCE = 64
MAX_SCREENS = 64

_QEMU_AUDIO = {0: 4, 1: 4, 2: 10}
"""Operations (enable, disable, set format) and the length of their messages."""


@dataclass(frozen=True, slots=True)
class SetPixelFormat:
    """Pixels are to be in this format from now on."""

    pixel_format: PixelFormat
    length: int = 20


@dataclass(frozen=True, slots=True)
class SetEncodings:
    """The encodings and pseudo-encodings the viewer understands, the best first."""

    encodings: tuple[int, ...]

    @property
    def length(self) -> int:
        """Size of the message in bytes."""
        return 4 + 4 * len(self.encodings)


@dataclass(frozen=True, slots=True)
class FramebufferUpdateRequest:
    """Requests a part of the screen; with ``incremental`` only what has changed."""

    incremental: bool
    x: int
    y: int
    width: int
    height: int
    length: int = 10


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key is pressed or released; ``keysym`` is its number in X11."""

    down: bool
    keysym: int
    length: int = 8


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """The pointer's position; bit 0 of ``buttons`` is the left button, 3 and 4 are the wheel."""

    buttons: int
    x: int
    y: int
    length: int = 6


@dataclass(frozen=True, slots=True)
class ClientCutText:
    """The viewer's clipboard changed.

    It is returned as soon as its size is known; the text is skipped.

    Attributes:
        length: size of the message in bytes, header and text.
        extended: whether it belongs to the extended clipboard; else it is Latin-1 text.
    """

    length: int
    extended: bool = False


@dataclass(frozen=True, slots=True)
class ExtensionMessage:
    """A message of an extension, returned as soon as its size is known.

    Attributes:
        type: the message's first byte.
        subtype: the second byte where it selects the meaning (QEMU's 255, VMware's 127), else None.
        length: size of the message in bytes.
    """

    type: int
    subtype: int | None
    length: int


ClientMessage = (
    SetPixelFormat
    | SetEncodings
    | FramebufferUpdateRequest
    | KeyEvent
    | PointerEvent
    | ClientCutText
    | ExtensionMessage
)


class ClientMessages:
    """Splits a viewer's stream into messages, whatever pieces it arrives in.

    A PointerEvent always counts as 6 bytes, so the extended mouse buttons (pseudo-encoding -316)
    must not have been confirmed to the viewer.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0

    def receive(self, data: bytes) -> Iterator[ClientMessage]:
        """Receive bytes; returns an iterator over the messages that they complete.

        Messages before a violation are still yielded; the stream cannot be parsed after it.

        Raises:
            DownstreamViolation: during iteration, at a message that is unknown or over a limit.
        """
        self._buffer += data
        return self._walk()

    def _walk(self) -> Iterator[ClientMessage]:
        while self._skipped() and (message := self._next()):
            yield message

    def _skipped(self) -> bool:
        step = min(self._skip, len(self._buffer))
        del self._buffer[:step]
        self._skip -= step
        return not self._skip and bool(self._buffer)

    def _next(self) -> ClientMessage | None:
        message_type = _MESSAGE_TYPES.get(self._buffer[0])
        if message_type is None:
            raise DownstreamViolation(f"message type {self._buffer[0]} is unknown")
        if len(self._buffer) < message_type.head:
            return None
        length = message_type.length(self._buffer)
        needed = length if message_type.whole else message_type.head
        if len(self._buffer) < needed:
            return None
        message = message_type.read(bytes(self._buffer[:needed]), length)
        del self._buffer[:needed]
        self._skip = length - needed
        return message


class _MessageType(NamedTuple):
    """How one type of message is parsed.

    Attributes:
        head: number of bytes needed to compute the length of the message.
        length: length of the message from its head.
        whole: whether ``read`` needs the whole message, and not only its head.
        read: builds the message from its bytes and its length.
    """

    head: int
    length: Callable[[bytearray], int]
    whole: bool
    read: Callable[[bytes, int], ClientMessage]


def _within(what: str, number: int, limit: int) -> int:
    if number > limit:
        raise DownstreamViolation(f"{number} {what}, at most {limit}")
    return number


def _u16(data: bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _cut_text_size(head: bytearray) -> int:
    return abs(int.from_bytes(head[4:8], "big", signed=True))


def _gii_length(head: bytearray) -> int:
    return 4 + int.from_bytes(head[2:4], "big" if head[1] & 0x80 else "little")


def _vmware_length(head: bytearray) -> int:
    length = _u16(head, 2)
    if length < 4:
        raise DownstreamViolation(f"VMware message of {length} bytes, at least 4")
    return length


def _qemu_length(head: bytearray) -> int:
    subtype, operation = head[1], _u16(head, 2)
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


def _other(head: bytes, length: int) -> ExtensionMessage:
    return ExtensionMessage(head[0], None, length)


def _other_with_subtype(head: bytes, length: int) -> ExtensionMessage:
    return ExtensionMessage(head[0], head[1], length)


_MESSAGE_TYPES = {
    0: _MessageType(20, lambda _: 20, True, _set_pixel_format),
    2: _MessageType(
        4, lambda h: 4 + 4 * _within("encodings", _u16(h, 2), MAX_ENCODINGS), True, _set_encodings
    ),
    3: _MessageType(10, lambda _: 10, True, _update_request),
    4: _MessageType(8, lambda _: 8, True, _key_event),
    5: _MessageType(6, lambda _: 6, True, _pointer_event),
    6: _MessageType(
        8,
        lambda h: 8 + _within("bytes of cut text", _cut_text_size(h), MAX_CUT_TEXT),
        False,
        _cut_text,
    ),
    127: _MessageType(4, _vmware_length, False, _other_with_subtype),
    150: _MessageType(10, lambda _: 10, False, _other),
    248: _MessageType(9, lambda h: 9 + _within("bytes of fence", h[8], MAX_FENCE), False, _other),
    250: _MessageType(4, lambda _: 4, False, _other),
    251: _MessageType(8, lambda h: 8 + 16 * _within("screens", h[6], MAX_SCREENS), False, _other),
    253: _MessageType(4, _gii_length, False, _other),
    255: _MessageType(4, _qemu_length, False, _other_with_subtype),
}
