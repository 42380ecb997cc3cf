"""Security types that are not spoken here: whose they are, and what to switch on instead.

Numbers are those of the registry that the RFB community keeps, and of the servers' own sources.
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

FOREIGN: Final = {
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
"""Number -> what it is called, and the advice for who runs the server."""


def advice(offered: Iterable[int]) -> str:
    """Return what could be switched on at a server with this offer; empty where nobody knows."""
    known = dict.fromkeys(FOREIGN[number][1] for number in offered if number in FOREIGN)
    return "; or ".join(known)
