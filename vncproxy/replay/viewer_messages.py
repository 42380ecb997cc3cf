"""What a viewer did, of all that it sent."""

from __future__ import annotations

from ..rfb.client_messages import ClientPieces
from .entries import Kind

_KEY, _POINTER, _TEXT, _QEMU = 4, 5, 6, 255
_KEPT = (_KEY, _POINTER, _QEMU)
_QEMU_KEY = 0


class ViewerMessages:
    """Finds the messages of a viewer that are shown: of its pointer, keys, and that it pastes."""

    def __init__(self) -> None:
        self._pieces = ClientPieces()
        self._message = b""

    def receive(self, data: bytes) -> list[tuple[Kind, bytes]]:
        """Return the messages that bytes complete; those of texts as their first byte.

        Raises:
            DownstreamViolation: they cannot be parsed.
        """
        found = []
        for piece in self._pieces.receive(data):
            part = self._pieces.data[piece.start : piece.end]
            if piece.kind == _TEXT and piece.first:
                found.append((Kind.LEFT_OUT, part[:1]))
            if piece.kind not in _KEPT:
                continue
            self._message = part if piece.first else self._message + part
            if piece.last and (piece.kind != _QEMU or self._message[1] == _QEMU_KEY):
                found.append((Kind.VIEWER, self._message))
        return found
