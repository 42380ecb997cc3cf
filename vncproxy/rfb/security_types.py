"""Security types by number, and what is asked of a server's offer of them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from ..model import RFBSecurity
from .unsupported_types import FOREIGN


class Kind(IntEnum):
    """Security types (RFC 6143 section 8.1.2) and VeNCrypt's subtypes of them.

    QEMU numbers the two kinds of SASL the other way round than the protocol's community does, so
    they are not told apart: it is SASL within the TLS that was set up before.
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
    Kind.NONE: "None",
    Kind.VNC_AUTH: "VncAuth",
    Kind.TIGHT: "Tight",
    Kind.VENCRYPT: "VeNCrypt",
    Kind.SASL: "SASL",
    Kind.PLAIN: "Plain",
    Kind.TLS_NONE: "TLSNone",
    Kind.TLS_VNC: "TLSVnc",
    Kind.TLS_PLAIN: "TLSPlain",
    Kind.X509_NONE: "X509None",
    Kind.X509_VNC: "X509Vnc",
    Kind.X509_PLAIN: "X509Plain",
    Kind.SASL_A: "SASL",
    Kind.SASL_B: "SASL",
}


def words(offered: Iterable[int]) -> str:
    """Return an offer as it stands in the log: ``X509Vnc (261), 300``."""
    return ", ".join(f"{name} ({n})" if (name := _name(n)) else str(n) for n in offered)


def _name(number: int) -> str:
    if number in _NAMES:
        return _NAMES[Kind(number)]
    return FOREIGN[number][0] if number in FOREIGN else ""


def demands_tls(spec: RFBSecurity) -> bool:
    """Return whether a server that offers no TLS is refused."""
    return spec.tls is not None or spec.anonymous_tls


def is_verified(spec: RFBSecurity) -> bool:
    """Return whether the TLS that is asked for proves who the server is."""
    return spec.tls is not None and (spec.tls.verify or bool(spec.tls.fingerprints))
