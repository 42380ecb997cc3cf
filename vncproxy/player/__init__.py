"""Recordings shown in a browser: what the player page asks for.

The page is `vncproxy.web.STATIC / "player"`. In reading order:

- `shown`: a recording that somebody may watch, and why one is not shown.
- `routes`: the page, its contents, segments, live entries and file by HTTP.
- `following`, `sending`: the output of a process, and a file, as the answer to a request.
"""

from __future__ import annotations

from .routes import PlayerResource
from .shown import BeingMade, IShown, NotShown

__all__ = ["BeingMade", "IShown", "NotShown", "PlayerResource"]
