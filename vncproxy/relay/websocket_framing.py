"""WebSocket framing (RFC 6455): binary messages in, binary messages out, without I/O.

Text messages are no payload: they are for who listens to them, or refused where nothing does.
Message boundaries have no meaning for RFB: payload is returned as it arrives, also from the middle
of a frame, and only an unfinished header is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import IntEnum

from .framing import CLOSE_REASON_LIMIT, CONTROL_LIMIT, TEXT_LIMIT, CloseCode, FrameError, PeerClose
from .masks import mask

NO_STATUS = 1005
"""Code of a close frame that has none (RFC 6455 section 7.4.1)."""

_FIN = 0x80
_MASKED = 0x80
_SHORT_HEAD = 6


class Opcode(IntEnum):
    """Frame types (section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_PAYLOAD = frozenset({Opcode.CONTINUATION, Opcode.BINARY})


class WebSocketFraming:
    """Binary messages, as one endpoint sends and receives them.

    Args:
        client: whether this endpoint is the WebSocket client, which masks what it sends.

    Attributes:
        on_text: called with each text message, while bytes are received; None refuses them.
    """

    __slots__ = (
        "_closing",
        "_control",
        "_head",
        "_in_message",
        "_mask",
        "_opcode",
        "_pending",
        "_position",
        "_remaining",
        "client",
        "on_text",
        "peer_close",
    )

    def __init__(self, *, client: bool = False) -> None:
        self.peer_close: PeerClose | None = None
        self.client = client
        self.on_text: Callable[[str], object] | None = None
        self._closing = False
        self._head = bytearray()
        self._control = bytearray()
        self._pending = b""
        self._opcode = 0
        self._mask = b""
        self._position = 0
        self._remaining = -1
        self._in_message = False

    @property
    def close_received(self) -> bool:
        """Whether the peer sent a close frame."""
        return self.peer_close is not None

    @property
    def between_messages(self) -> bool:
        """Whether the next byte begins a new message."""
        return (
            self._remaining < 0
            and not self._in_message
            and not self._head
            and not self.close_received
        )

    @property
    def payload_left(self) -> int:
        """Bytes that are still to come of an unfragmented, unmasked binary frame; 0 elsewhere."""
        whole = self._opcode == Opcode.BINARY and not (self._in_message or self._mask)
        return self._remaining if whole and self._remaining > 0 else 0

    def set_payload_left(self, size: int) -> None:
        """Go on within such a frame, or between messages: its bytes were read elsewhere."""
        self._opcode, self._mask, self._position = Opcode.BINARY, b"", 0
        self._remaining = size or -1

    def receive(self, data: bytes) -> bytes:
        """Return the payload of the binary frames, or parts of frames, in received bytes."""
        if (message := self._short_message(data)) is not None:
            return message
        payload: list[bytes] = []
        view = memoryview(data)
        while view and not self.close_received:
            if self._remaining < 0:
                view = self._read_head(view)
            if self._remaining >= 0:
                piece, view = view[: self._remaining], view[self._remaining :]
                self._read_payload(piece, payload)
        return b"".join(payload)

    def replies(self) -> bytes:
        """Return the newest pong and the echo of a close frame."""
        replies, self._pending = self._pending, b""
        return replies

    def encode(self, payload: bytes) -> bytes:
        """Return one unfragmented binary frame."""
        return self._frame(Opcode.BINARY, payload)

    def ping(self) -> bytes:
        """Return an empty ping."""
        return self._frame(Opcode.PING, b"")

    def text(self, text: str) -> bytes:
        """Return a text message, which is no payload."""
        return self._frame(Opcode.TEXT, text.encode())

    def close(self, code: int, reason: str) -> bytes:
        """Return a close frame, or nothing when one was sent already."""
        if self._closing:
            return b""
        self._closing = True
        text = reason.encode("utf-8", "replace")[:CLOSE_REASON_LIMIT].decode("utf-8", "ignore")
        return self._frame(Opcode.CLOSE, code.to_bytes(2, "big") + text.encode())

    def _short_message(self, data: bytes) -> bytes | None:
        """Return the payload of one whole, short message, as browsers send nearly always."""
        size = len(data) - _SHORT_HEAD
        if not 0 < size < 126 or data[0] != _FIN | Opcode.BINARY or data[1] != _MASKED | size:
            return None
        if self.client or not self.between_messages:
            return None
        return mask(data[_SHORT_HEAD:], data[2:_SHORT_HEAD])

    def _read_head(self, view: memoryview) -> memoryview:
        """Collect a frame's header; sets ``_remaining`` when it is whole."""
        while view:
            missing = self._head_size() - len(self._head)
            self._head += view[:missing]
            view = view[missing:]
            if len(self._head) == self._head_size():
                self._start_frame()
                break
        return view

    def _head_size(self) -> int:
        head = self._head
        if len(head) < 2:
            return 2
        return 2 + {126: 2, 127: 8}.get(head[1] & 0x7F, 0) + (4 if head[1] & _MASKED else 0)

    def _start_frame(self) -> None:
        head = self._head
        final, opcode, masked = bool(head[0] & _FIN), head[0] & 0x0F, bool(head[1] & _MASKED)
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(head[2 : 4 if size == 126 else 10], "big")
        self._check(head[0] & 0x70, final, opcode, masked, size)
        self._mask = bytes(head[-4:]) if masked else b""
        self._opcode, self._remaining, self._position = opcode, size, 0
        if opcode < Opcode.CLOSE:
            self._in_message = not final
        head.clear()

    def _check(self, reserved: int, final: bool, opcode: int, masked: bool, size: int) -> None:
        if reserved:
            raise FrameError("reserved bits are set and no extension was agreed on")
        if masked == self.client:
            raise FrameError(f"frame is {'' if masked else 'not '}masked")
        if size >> 63:
            raise FrameError("frame size has its highest bit set")
        if opcode >= Opcode.CLOSE:
            if opcode > Opcode.PONG or not final or size > CONTROL_LIMIT:
                raise FrameError(f"control frame {opcode}, final {final}, {size} bytes")
        elif opcode == Opcode.TEXT:
            self._check_text(final, size)
        elif opcode not in (Opcode.CONTINUATION, Opcode.BINARY):
            raise FrameError(f"unknown frame type {opcode}")
        elif (opcode == Opcode.CONTINUATION) != self._in_message:
            raise FrameError("fragments of messages are mixed up")

    def _check_text(self, final: bool, size: int) -> None:
        if self.on_text is None:
            raise FrameError("text frame, only binary is spoken", CloseCode.UNSUPPORTED_DATA)
        if self._in_message or not final:
            raise FrameError("a text message in fragments, or between those of another one")
        if size > TEXT_LIMIT:
            raise FrameError(f"a text message of {size} bytes", CloseCode.TOO_BIG)

    def _read_payload(self, piece: memoryview, payload: list[bytes]) -> None:
        data = mask(piece, self._mask, self._position) if self._mask else bytes(piece)
        self._position += len(data)
        self._remaining -= len(data)
        if self._opcode in _PAYLOAD:
            payload.append(data)
        else:
            self._control += data
        if self._remaining == 0:
            self._remaining = -1
            if self._opcode not in _PAYLOAD:
                self._end_control()

    def _end_control(self) -> None:
        data = bytes(self._control)
        self._control.clear()
        if self._opcode == Opcode.TEXT:
            self._take_text(data)
        elif self._opcode == Opcode.PING:
            self._pending = self._frame(Opcode.PONG, data)
        elif self._opcode == Opcode.CLOSE:
            self.peer_close, code = _read_close(data)
            self._pending += self.close(code, "")

    def _take_text(self, data: bytes) -> None:
        assert self.on_text is not None
        try:
            text = data.decode()
        except UnicodeDecodeError as e:
            raise FrameError("a text message that is not UTF-8", CloseCode.NOT_UTF8) from e
        self.on_text(text)

    def _frame(self, opcode: Opcode, payload: bytes) -> bytes:
        size = len(payload)
        masked = _MASKED if self.client else 0
        if size < 126:
            head = bytes((_FIN | opcode, masked | size))
        elif size < 65536:
            head = bytes((_FIN | opcode, masked | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((_FIN | opcode, masked | 127)) + size.to_bytes(8, "big")
        if not masked:
            return head + payload
        key = os.urandom(4)
        return head + key + mask(payload, key)


def _read_close(data: bytes) -> tuple[PeerClose, int]:
    """Read a close frame's payload.

    Returns:
        The peer's code and reason, and the code to echo, both checked by section 7.4.
    """
    if not data:
        return PeerClose(NO_STATUS), CloseCode.NORMAL
    code = int.from_bytes(data[:2], "big")
    valid = 3000 <= code < 5000 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))
    try:
        reason = data[2:].decode()
    except UnicodeDecodeError:
        valid, reason = False, ""
    if len(data) < 2 or not valid:
        return PeerClose(CloseCode.PROTOCOL_ERROR), CloseCode.PROTOCOL_ERROR
    return PeerClose(code, reason), code
