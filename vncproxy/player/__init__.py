"""Recordings shown in a browser: what the player page asks for.

The page is `vncproxy.web.STATIC / "player"`. In reading order:

- `shown`: a recording that somebody may watch, and why one is not shown.
- `described`: what the page has to know of a recording.
- `sending`: a part of a file as the answer to a request.
- `following`: the output of a process as the answer to a request.
- `routes`: the page, its contents, segments, live entries and file by HTTP.
"""

from __future__ import annotations

from .following import Following
from .routes import PlayerResource
from .sending import Part
from .shown import BeingMade, IShown, NotShown

__all__ = ["BeingMade", "Following", "IShown", "NotShown", "Part", "PlayerResource"]
