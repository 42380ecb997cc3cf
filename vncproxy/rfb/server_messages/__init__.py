"""A server's messages after the handshake (RFC 6143 section 7.6, and the registered extensions).

Rectangles are passed over by their length, without decoding.

- `layout`: how many bytes a pixel has in each encoding.
- `format_changes`: which pixel format an update has.
- `walking`: what walks over messages: generators over counts of bytes.
- `tiles`: Hextile and TRLE.
- `tight`: Tight and TightPNG.
- `images`: JPEG, cursors and other rectangles with a length of their own.
- `updates`: framebuffer updates.
- `other`: the other messages.
- `parser`: splits a server's stream, whatever pieces it arrives in.
"""

from __future__ import annotations

from .format_changes import FormatChanges
from .parser import OWN_ANSWER, ServerPieces
from .updates import CURSORS, KNOWN_ENCODINGS

__all__ = ["CURSORS", "KNOWN_ENCODINGS", "OWN_ANSWER", "FormatChanges", "ServerPieces"]
