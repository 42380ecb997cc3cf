"""The console page: static files over noVNC, and how a server must serve them.

The page is `STATIC / "index.html"`; it finds its files at `static/` and its web socket at
`websockify`, both relative to its own address, so that any path prefix works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["CONTENT_SECURITY_POLICY", "STATIC", "content_security_policy", "novnc_installed"]

STATIC: Final = Path(__file__).with_name("static")
"""The folder to be served as `static/` beside the page; `index.html` in it is the page itself."""


def content_security_policy(frame_ancestors: str = "'self'") -> str:
    """Return the `Content-Security-Policy` under which the page works.

    noVNC draws JPEG rectangles and the mouse cursor through `data:` images; `'self'` in
    `connect-src` covers the web socket of the same origin.

    Args:
        frame_ancestors: who may show the page in a frame, as sources of the
            `frame-ancestors` directive; a portal that embeds consoles is named here.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {frame_ancestors}",
        )
    )


CONTENT_SECURITY_POLICY: Final = content_security_policy()
"""The policy for a page that only its own origin may embed."""


def novnc_installed() -> bool:
    """Tell whether noVNC has been put into `STATIC`, see `vncproxy/web/install.py`."""
    return (STATIC / "novnc" / "VERSION").is_file()
