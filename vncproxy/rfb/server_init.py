"""ClientInit and ServerInit, the end of the handshake (RFC 6143 section 7.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from ..errors import UpstreamViolation
from ..handshake.reasons import clean_reason
from ..handshake.steps import Read, Steps, Write
from . import tight
from .pixels import PixelFormat
from .versions import sized_text

NAME_LIMIT = 4096
"""Longest desktop name of a server, in bytes; a security limit."""

_SERVER_INIT = "its ServerInit message"


@dataclass(frozen=True, slots=True)
class ServerInit:
    """The ServerInit message: size of the screen in pixels, its format and its name."""

    _LAYOUT: ClassVar[struct.Struct] = struct.Struct(">HH16sI")

    width: int
    height: int
    pixel_format: PixelFormat
    name: str

    def pack(self) -> bytes:
        """Return the message; the name is encoded as UTF-8."""
        name = self.name.encode()
        return (
            self._LAYOUT.pack(self.width, self.height, self.pixel_format.pack(), len(name)) + name
        )

    @classmethod
    def unpack(cls, data: bytes) -> tuple[ServerInit, bytes] | None:
        """Parse the message at the start of a server's bytes.

        Returns:
            The message and what follows it, or None when more bytes are needed.

        Raises:
            UpstreamViolation: the pixel format cannot exist, or the name is too long.
        """
        head = cls._LAYOUT.size
        if len(data) < head:
            return None
        width, height, pixels, length = cls._LAYOUT.unpack_from(data)
        if length > NAME_LIMIT:
            raise UpstreamViolation(f"desktop name of {length} bytes, at most {NAME_LIMIT}")
        pixel_format = _pixel_format(pixels)
        if len(data) < head + length:
            return None
        name = data[head : head + length].decode(errors="replace")
        return cls(width, height, pixel_format, name), data[head + length :]


def initialise(*, shared: bool = True, tight_tail: bool = False) -> Steps[bytes]:
    """Exchange ClientInit for ServerInit.

    Args:
        shared: the shared flag. Without it, a server disconnects its other viewers; QEMU and
            others then admit no further ones that share, either (RFC 6143 section 7.3.1).
        tight_tail: whether the message has the tail of security type Tight, which is dropped.

    Returns:
        The ServerInit message.

    Raises:
        UpstreamViolation: the desktop's name is longer than any real one.
    """
    yield Write(b"\x01" if shared else b"\x00")
    head = yield Read(24, _SERVER_INIT)
    size = int.from_bytes(head[20:24], "big")
    if size > NAME_LIMIT:
        raise UpstreamViolation(f"desktop name of {size} bytes, at most {NAME_LIMIT}")
    server_init = head + (yield Read(size, _SERVER_INIT))
    if tight_tail:
        yield from tight.skip_tail()
    return server_init


def rename(server_init: bytes, name: str) -> bytes:
    """Return a ServerInit message with another desktop name."""
    return server_init[:20] + sized_text(name, NAME_LIMIT)


def pixel_format_of(server_init: bytes) -> PixelFormat:
    """Return the pixel format of a ServerInit message.

    Raises:
        UpstreamViolation: no such format can exist.
    """
    return _pixel_format(server_init[4:20])


def _pixel_format(data: bytes) -> PixelFormat:
    try:
        return PixelFormat.unpack(data)
    except ValueError as e:
        raise UpstreamViolation(f"server init: {e}") from e


def desktop_name(server_init: bytes) -> str:
    """Return the desktop name of a ServerInit message as one printable line."""
    return clean_reason(server_init[24:])
