"""The picture of a console, decoded from what its server sends; without I/O.

The gateway never decodes a session that it only relays. Needs the extra ``screen``: numpy, Pillow.

- `colours`: pixels of any format as red, green and blue.
- `picture`: the pixels of a screen.
- `source`: reads the bytes of one message.
- `limits`: what a decoder accepts of a server.
- `simple`: Raw, CopyRect, RRE, CoRRE and zlib.
- `tiles`: Hextile, TRLE and ZRLE.
- `tight`: Tight and TightPNG.
- `cursors`: the shapes of cursors.
- `decoder`: a server's stream in, pictures out.
"""

from __future__ import annotations

from .decoder import ENCODINGS, ScreenDecoder
from .limits import Limits
from .picture import Picture

__all__ = ["ENCODINGS", "Limits", "Picture", "ScreenDecoder"]
