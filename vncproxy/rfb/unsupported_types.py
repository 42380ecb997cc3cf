"""Security types that are not supported: their names, and what to enable on the server instead.

Numbers are from the registry of the RFB community and from the sources of the servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_RSA_AES: Final = (
    "allow VncAuth or VeNCrypt there (SecurityTypes of TigerVNC; Authentication and Encryption of "
    "RealVNC)"
)
_ULTRA: Final = "ask for a VNC password there, without MS-Logon and without an encryption plug-in"
_APPLE: Final = (
    "let VNC viewers control the screen with a password there (Screen Sharing, computer settings)"
)
_VINO: Final = "switch its encryption off there (org.gnome.Vino require-encryption false)"

UNSUPPORTED: Final = {
    5: ("RA2", _RSA_AES),
    6: ("RA2ne", _RSA_AES),
    **{number: (f"RealVNC's {number}", _RSA_AES) for number in range(7, 16)},
    17: ("Ultra", _ULTRA),
    18: ("TLS of Vino", _VINO),
    21: ("MD5", "ask for a VNC password there"),
    22: ("xvp", "ask for a VNC password there"),
    30: ("Apple's Diffie-Hellman", _APPLE),
    **{number: (f"Apple's {number}", _APPLE) for number in (31, 32, 33, 35, 36)},
    112: ("MS-Logon I", _ULTRA),
    113: ("MS-Logon II", _ULTRA),
    114: ("UltraVNC's encryption plug-in", _ULTRA),
    129: ("RA2 with 256 bits", _RSA_AES),
    130: ("RA2ne with 256 bits", _RSA_AES),
}
"""Number -> name, and the advice for the server's operator."""


def advice(offered: Iterable[int]) -> str:
    """Return what to enable on a server that offers these types; empty where that is unknown."""
    known = dict.fromkeys(UNSUPPORTED[number][1] for number in offered if number in UNSUPPORTED)
    return "; or ".join(known)
