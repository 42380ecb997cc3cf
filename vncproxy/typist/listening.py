"""What a viewer that types reads of its console's server: whether it takes scan codes, and answers.

No pixels are kept: one is asked for, since a server answers that behind all keys before it.
"""

from __future__ import annotations

import struct
from typing import Final

from ..errors import UpstreamViolation
from ..rfb import encodings as e
from ..rfb.server_init import ServerInit
from ..rfb.server_messages import FormatChanges, ServerPieces

_UPDATE: Final = 0
_HEAD: Final = 4
_RECTANGLE: Final = struct.Struct(">4xHHi")

MOST_KEPT: Final = 4096
"""Bytes of an update in which its rectangles are looked at; answers have some twenty."""

LONGEST_INIT: Final = 8192
"""Bytes of ServerInit, with its name; a security limit."""


class Listening:
    """Reads a server's bytes from ServerInit on.

    Attributes:
        greeted: whether ServerInit has come.
        takes_codes: whether the server takes scan codes, as far as it has said so.
        updates: how many updates have come.
    """

    def __init__(self) -> None:
        self.greeted = self.takes_codes = False
        self.updates = 0
        self._begun = b""
        self._pieces: ServerPieces | None = None
        self._pixel = 0
        self._update = bytearray()

    def receive(self, data: bytes) -> None:
        """Receive bytes of the server, in pieces of any size.

        Raises:
            UpstreamViolation: they cannot be parsed.
        """
        if self._pieces is None:
            data = self._begin(data)
        if self._pieces is None or not data:
            return
        for piece in self._pieces.receive(data):
            if piece.kind == _UPDATE:
                part = self._pieces.data[piece.start : piece.end]
                self._update += part[: max(0, MOST_KEPT - len(self._update))]
                if piece.last:
                    self._take_update()

    def _begin(self, data: bytes) -> bytes:
        """Read ServerInit; returns what follows it."""
        self._begun += data
        if len(self._begun) > LONGEST_INIT and not self.greeted:
            raise UpstreamViolation(f"a ServerInit message of more than {LONGEST_INIT} bytes")
        found = ServerInit.unpack(self._begun)
        if found is None:
            return b""
        init, rest = found
        self._begun, self.greeted = b"", True
        self._pixel = init.pixel_format.bits_per_pixel // 8
        self._pieces = ServerPieces(FormatChanges(init.pixel_format))
        return rest

    def _take_update(self) -> None:
        update, self._update = self._update, bytearray()
        self.updates += 1
        at, count = _HEAD, int.from_bytes(update[2:_HEAD], "big")
        for _ in range(count):
            if at + _RECTANGLE.size > len(update):
                return
            width, height, encoding = _RECTANGLE.unpack_from(update, at)
            at += _RECTANGLE.size
            if encoding == e.QEMU_KEY:
                self.takes_codes = True
            elif encoding != e.RAW:
                return
            else:
                at += width * height * self._pixel
