"""Security types by number and name, and which of them a console's configuration requires."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from ..model import RFBSecurity
from .unsupported_types import UNSUPPORTED


class SecurityType(IntEnum):
    """Security types (RFC 6143 section 8.1.2) and VeNCrypt's subtypes.

    263 and 264 are TLS with SASL and X.509 with SASL, which QEMU numbers in the other order than
    the protocol registry; both are treated as SASL within the TLS that was set up before.
    """

    INVALID = 0
    NONE = 1
    VNC_AUTH = 2
    TIGHT = 16
    VENCRYPT = 19
    SASL = 20
    PLAIN = 256
    TLS_NONE = 257
    TLS_VNC = 258
    TLS_PLAIN = 259
    X509_NONE = 260
    X509_VNC = 261
    X509_PLAIN = 262
    SASL_A = 263
    SASL_B = 264


_NAMES = {
    SecurityType.NONE: "None",
    SecurityType.VNC_AUTH: "VncAuth",
    SecurityType.TIGHT: "Tight",
    SecurityType.VENCRYPT: "VeNCrypt",
    SecurityType.SASL: "SASL",
    SecurityType.PLAIN: "Plain",
    SecurityType.TLS_NONE: "TLSNone",
    SecurityType.TLS_VNC: "TLSVnc",
    SecurityType.TLS_PLAIN: "TLSPlain",
    SecurityType.X509_NONE: "X509None",
    SecurityType.X509_VNC: "X509Vnc",
    SecurityType.X509_PLAIN: "X509Plain",
    SecurityType.SASL_A: "SASL",
    SecurityType.SASL_B: "SASL",
}


def describe_types(offered: Iterable[int]) -> str:
    """Return names and numbers for the log: ``X509Vnc (261), 300``."""
    return ", ".join(f"{name} ({n})" if (name := _name(n)) else str(n) for n in offered)


def _name(number: int) -> str:
    if number in _NAMES:
        return _NAMES[SecurityType(number)]
    return UNSUPPORTED[number][0] if number in UNSUPPORTED else ""


def requires_tls(spec: RFBSecurity) -> bool:
    """Return whether a server without TLS is refused."""
    return spec.tls is not None or spec.anonymous_tls


def is_verified(spec: RFBSecurity) -> bool:
    """Return whether the configured TLS authenticates the server."""
    return spec.tls is not None and (spec.tls.verify or bool(spec.tls.fingerprints))
