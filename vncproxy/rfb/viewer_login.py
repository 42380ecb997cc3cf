"""The handshake with a viewer that logs in over RFB: VeNCrypt 0.2 with X509Plain, as its server.

Security type None is offered, too, and leads to a refusal: a viewer without VeNCrypt shows the
reason that follows, and would show only its own words where nothing is offered that it knows. VNC
authentication would ask its user for a password first, which cannot help.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import BadRequest, DownstreamViolation
from ..handshake.steps import Read, StartTLS, Steps, Write
from .greeting import NONE, Greeting, Phase
from .security_types import SecurityType
from .vencrypt import VERSION
from .versions import Version

NAME_LIMIT = 1024
"""Bytes of a user name."""

PASSWORD_LIMIT = 8192
"""Bytes of a password: the longest token, or a link with it."""

_WITHOUT_TLS = "This viewer did not use TLS. Use TigerVNC, or `vncproxy bridge`."
_VENCRYPT, _AGREED, _NOT_AGREED = int(SecurityType.VENCRYPT), b"\x01", b"\xff"
_OFFERED = struct.pack(">BI", 1, SecurityType.X509_PLAIN)


@dataclass(frozen=True, slots=True)
class Login:
    """What a user has entered in a viewer.

    Attributes:
        name: the user name; any.
        password: the token, or a link with it.
    """

    name: str
    password: str = field(repr=False)


class LoginGreeting(Greeting):
    """The greeting of a viewer that logs in: `negotiate`, `log_in`, then `greet` or `refuse`.

    Within VeNCrypt and TLS no reason can be sent; before and after them it can.
    """

    __slots__ = ()

    def negotiate(self, check: Callable[[], None]) -> Steps[None]:
        """Agree on VeNCrypt with X509Plain; TLS is to start next.

        Args:
            check: called once the viewer has sent its version; may raise.

        Raises:
            DownstreamViolation: the viewer does not use RFB 3.8, or no VeNCrypt, or no X509Plain.
        """
        version = yield from self._agree_on_version()
        check()
        if version is not Version.V3_8:
            raise _without_tls(f"viewer speaks RFB {version.name[1:].replace('_', '.')}")
        self._phase = Phase.CHOICE
        yield Write(bytes([2, _VENCRYPT, NONE]))
        choice = (yield Read(1, "its choice of a security type"))[0]
        self._phase = Phase.RESULT
        if choice == NONE:
            raise _without_tls("viewer chose security type None")
        if choice != _VENCRYPT:
            raise DownstreamViolation(f"viewer chose security type {choice}, offered {_VENCRYPT}")
        self._phase = Phase.AFTER
        yield from _agree_on_subtype()

    def log_in(self) -> Steps[Login]:
        """Start TLS, and return what the user enters.

        Raises:
            BadRequest: name or password is too long.
        """
        yield StartTLS(None, "the end of its TLS handshake", serve=True)
        self._phase = Phase.RESULT
        sizes = yield Read(8, "user name and token")
        name_size, size = struct.unpack(">II", sizes)
        if name_size > NAME_LIMIT or size > PASSWORD_LIMIT:
            raise BadRequest(f"user name of {name_size} bytes, password of {size} bytes")
        text = yield Read(name_size + size, "user name and token")
        return Login(_text(text[:name_size]), _text(text[name_size:]))

    def greet(self) -> Steps[bool]:
        """Tell the viewer that its login is good, and read ClientInit; returns the shared flag."""
        self._phase = Phase.AFTER
        yield Write(bytes(4))
        return (yield Read(1, "its ClientInit message")) != b"\0"


def _agree_on_subtype() -> Steps[None]:
    yield Write(VERSION)
    version = yield Read(2, "its VeNCrypt version")
    if version != VERSION:
        yield Write(_NOT_AGREED)
        raise DownstreamViolation(f"viewer speaks VeNCrypt {version[0]}.{version[1]}, expected 0.2")
    yield Write(b"\0" + _OFFERED)
    subtype = int.from_bytes((yield Read(4, "its choice of a VeNCrypt type")), "big")
    if subtype != SecurityType.X509_PLAIN:
        yield Write(b"\0")
        raise DownstreamViolation(f"viewer chose VeNCrypt type {subtype}, offered 262")
    yield Write(_AGREED)


def _without_tls(detail: str) -> DownstreamViolation:
    return DownstreamViolation(detail, public=_WITHOUT_TLS)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
