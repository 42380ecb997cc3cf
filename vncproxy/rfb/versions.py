"""Protocol versions and failure reasons, the same in both directions (RFC 6143 section 7.1)."""

from __future__ import annotations

import re
from enum import Enum

from ..errors import VNCProxyError
from ..handshake.reasons import REASON_LIMIT, clean_reason
from ..handshake.steps import ReadAtMost, Steps

BANNER_SIZE = 12
REASON_TIME = 2.0
"""Seconds to wait for a reason's length, and for its text: some servers send none, and stay."""

_REASON = "the reason of its refusal"
_BANNER = re.compile(rb"RFB (\d{3})\.(\d{3})\n")


class Version(Enum):
    """The published versions; the value is the banner."""

    V3_3 = b"RFB 003.003\n"
    V3_7 = b"RFB 003.007\n"
    V3_8 = b"RFB 003.008\n"


class NotRFB(VNCProxyError):
    """A banner that is not RFB; callers convert it to an error of their side."""


def parse_banner(banner: bytes) -> Version:
    """Return the version to use with a peer that sent this banner.

    Other versions of real servers are mapped as viewers do: 3.889 (Apple), 4.x (Intel AMT) and
    5.0 (RealVNC) to 3.8; 3.4 to 3.6 to 3.3.

    Raises:
        NotRFB: it is no RFB banner, or that of an UltraVNC repeater (0.0).
    """
    match = _BANNER.fullmatch(banner)
    if not match:
        text = banner.decode("latin-1")
        raise NotRFB(f"{text!r} is not an RFB banner")
    number = int(match[1]), int(match[2])
    if number < (3, 3):
        raise NotRFB(f"RFB version {number[0]}.{number[1]} is not supported")
    if number < (3, 7):
        return Version.V3_3
    return Version.V3_7 if number == (3, 7) else Version.V3_8


def encode_reason(reason: str) -> bytes:
    """Return a reason as on the wire: U32 length, UTF-8 text."""
    return sized_text(reason, REASON_LIMIT)


def sized_text(text: str, limit: int) -> bytes:
    """Return U32 length and UTF-8 text, cut at a character to at most ``limit`` bytes."""
    encoded = text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").encode()
    return len(encoded).to_bytes(4, "big") + encoded


def read_reason() -> Steps[str]:
    """Read U32 length and text, or the part that comes within `REASON_TIME` or before the close."""
    size = int.from_bytes((yield ReadAtMost(4, REASON_TIME, _REASON)), "big")
    text = yield ReadAtMost(min(size, REASON_LIMIT), REASON_TIME, _REASON)
    return clean_reason(text)
