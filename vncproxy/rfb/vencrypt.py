"""VeNCrypt 0.2: TLS within RFB and authentication inside it; the proxy is the client.

A server that offers less security than is configured is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation
from ..handshake.steps import EndOfStream, Read, StartTLS, Steps, Write
from ..model import RFBSecurity
from .result import read_result
from .sasl import log_in
from .security_types import SecurityType, describe_types, is_verified, requires_tls
from .versions import Version
from .vnc_auth import authenticate

VERSION = b"\0\x02"
_VERSION, _TYPES = "its VeNCrypt version", "its VeNCrypt types"

_ANONYMOUS = (SecurityType.TLS_NONE, SecurityType.TLS_VNC, SecurityType.TLS_PLAIN)
_CERTIFIED = (SecurityType.X509_NONE, SecurityType.X509_VNC, SecurityType.X509_PLAIN)
_SASL = (SecurityType.SASL_A, SecurityType.SASL_B)


def vencrypt(spec: RFBSecurity, version: Version) -> Steps[None]:
    """Negotiate a subtype, start TLS and authenticate, up to the SecurityResult inside TLS.

    Raises:
        UpstreamViolation: the server violates the protocol.
        UpstreamRefused: it requires credentials that are not configured, or closes after it has
            received the proxy's client certificate, or none.
        UpstreamUntrusted: it offers less security than is configured, or is not verified.
    """
    yield from _agree_on_version()
    offered = yield from _subtypes()
    chosen = _choose(offered, spec)
    yield Write(chosen.to_bytes(4, "big"))
    if chosen < SecurityType.TLS_NONE:
        yield from _log_in(chosen, spec)
        yield from read_result(version)
        return
    if (yield Read(1, "its agreement to start TLS")) != b"\x01":
        raise UpstreamRefused(
            f"server refuses the VeNCrypt type {describe_types([chosen])} that it offered"
        )
    yield StartTLS(None if chosen in _ANONYMOUS else spec.tls)
    try:
        yield from _log_in(chosen, spec)
        yield from read_result(version)
    except EndOfStream as e:
        raise UpstreamRefused(_CLOSED) from e


_CLOSED = (
    "server closed right after TLS was agreed on: it may demand a client certificate of an "
    "authority that it trusts (certificate_file, key_file)"
)


def _agree_on_version() -> Steps[None]:
    version = yield Read(2, _VERSION)
    if version < VERSION:
        raise UpstreamViolation(f"server speaks VeNCrypt {version[0]}.{version[1]}, expected 0.2")
    yield Write(VERSION)
    if (yield Read(1, _VERSION)) != b"\0":
        raise UpstreamViolation("server does not go on with VeNCrypt 0.2")


def _subtypes() -> Steps[tuple[int, ...]]:
    count = (yield Read(1, _TYPES))[0]
    if not count:
        raise UpstreamViolation("server offers no VeNCrypt type")
    return struct.unpack(f">{count}I", (yield Read(4 * count, _TYPES)))


def _log_in(chosen: SecurityType, spec: RFBSecurity) -> Steps[None]:
    match chosen:
        case SecurityType.VNC_AUTH | SecurityType.TLS_VNC | SecurityType.X509_VNC:
            yield from authenticate(spec.password or "")
        case SecurityType.X509_PLAIN:
            user, password = spec.username.encode(), (spec.password or "").encode()
            yield Write(struct.pack(">II", len(user), len(password)) + user + password)
        case SecurityType.SASL_A | SecurityType.SASL_B:
            yield from log_in(spec)
        case _:  # the types without authentication
            return


def _choose(offered: tuple[int, ...], spec: RFBSecurity) -> SecurityType:
    for security_type in _wanted(spec):
        if security_type in offered:
            return security_type
    raise _why_none(offered, spec)


def _wanted(spec: RFBSecurity) -> Iterator[SecurityType]:
    """Yield the subtypes that may be used, in order of preference."""
    password, name = spec.password is not None, bool(spec.username)
    if spec.tls is not None:
        if name and is_verified(spec):
            yield SecurityType.X509_PLAIN
        if name:
            yield from _SASL
        if password:
            yield SecurityType.X509_VNC
        yield SecurityType.X509_NONE
    if spec.anonymous_tls:
        if name and spec.tls is None:
            yield from _SASL
        if password:
            yield SecurityType.TLS_VNC
        yield SecurityType.TLS_NONE
    if not requires_tls(spec):
        if password:
            yield SecurityType.VNC_AUTH
        yield SecurityType.NONE


def _why_none(
    offered: tuple[int, ...], spec: RFBSecurity
) -> UpstreamRefused | UpstreamUntrusted | UpstreamViolation:
    """Return the error for an unusable offer, naming what could be configured instead."""
    offer = f"server offers VeNCrypt types {describe_types(offered)}"
    has = set(offered)
    if spec.tls is None and has & {*_CERTIFIED, *_SASL}:
        return UpstreamRefused(f"{offer}, with TLS: configure tls for this console")
    if spec.tls is not None and SecurityType.X509_VNC in has:
        return UpstreamRefused(f"{offer}: it asks for a VNC password and none is configured")
    if spec.tls is not None and has & {SecurityType.X509_PLAIN, *_SASL}:
        if spec.username:
            return UpstreamUntrusted(
                f"{offer}: a password is sent to a verified server only: configure ca_file or "
                "fingerprints"
            )
        return UpstreamRefused(f"{offer}: it asks for a user and a password, configure username")
    if has & set(_ANONYMOUS):
        return _why_not_anonymous(offer, spec)
    if requires_tls(spec):
        return UpstreamUntrusted(f"{offer}, none of them with TLS, which is demanded")
    return UpstreamViolation(f"{offer}, none can be used")


def _why_not_anonymous(offer: str, spec: RFBSecurity) -> UpstreamRefused | UpstreamUntrusted:
    if not spec.anonymous_tls:
        return UpstreamUntrusted(
            f"{offer}: TLS without a certificate stops no attacker in the middle; give the server "
            "a certificate, or accept it as it is with anonymous_tls = true"
        )
    return UpstreamRefused(
        f"{offer}: it asks for a password and none is configured, or for a user's, which is sent "
        "to a verified server only"
    )
