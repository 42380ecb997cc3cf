"""VeNCrypt 0.2: TLS within RFB, and a login inside of it; the proxy is the client.

A server that offers less than what is configured is refused, never served with less.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation
from ..handshake.steps import EndOfStream, Read, StartTLS, Steps, Write
from ..model import RFBSecurity
from .result import read_result
from .sasl import log_in
from .security_types import Kind, demands_tls, is_verified, words
from .versions import Version
from .vnc_auth import authenticate

VERSION = b"\0\x02"
_VERSION, _TYPES = "its VeNCrypt version", "its VeNCrypt types"

_ANONYMOUS = (Kind.TLS_NONE, Kind.TLS_VNC, Kind.TLS_PLAIN)
_CERTIFIED = (Kind.X509_NONE, Kind.X509_VNC, Kind.X509_PLAIN)
_SASL = (Kind.SASL_A, Kind.SASL_B)


def vencrypt(spec: RFBSecurity, version: Version) -> Steps[None]:
    """Agree on a subtype, start its TLS and log in, up to the SecurityResult inside TLS.

    Raises:
        UpstreamViolation: the server does not do what the protocol says.
        UpstreamRefused: it asks for credentials that are not configured, or closes once it has
            seen the proxy's certificate, or that there is none.
        UpstreamUntrusted: it offers less than what is configured, or is not verified.
    """
    yield from _agree_on_version()
    offered = yield from _subtypes()
    chosen = _choose(offered, spec)
    yield Write(chosen.to_bytes(4, "big"))
    if chosen < Kind.TLS_NONE:
        yield from _log_in(chosen, spec)
        yield from read_result(version)
        return
    if (yield Read(1, "its agreement to start TLS")) != b"\x01":
        raise UpstreamRefused(f"server refuses the VeNCrypt type {words([chosen])} that it offered")
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


def _log_in(chosen: Kind, spec: RFBSecurity) -> Steps[None]:
    match chosen:
        case Kind.VNC_AUTH | Kind.TLS_VNC | Kind.X509_VNC:
            yield from authenticate(spec.password or "")
        case Kind.X509_PLAIN:
            user, password = spec.username.encode(), (spec.password or "").encode()
            yield Write(struct.pack(">II", len(user), len(password)) + user + password)
        case Kind.SASL_A | Kind.SASL_B:
            yield from log_in(spec)
        case _:  # no login
            return


def _choose(offered: tuple[int, ...], spec: RFBSecurity) -> Kind:
    for kind in _wanted(spec):
        if kind in offered:
            return kind
    raise _why_none(offered, spec)


def _wanted(spec: RFBSecurity) -> Iterator[Kind]:
    """Yield what may be used, the best first."""
    password, name = spec.password is not None, bool(spec.username)
    if spec.tls is not None:
        if name and is_verified(spec):
            yield Kind.X509_PLAIN
        if name:
            yield from _SASL
        if password:
            yield Kind.X509_VNC
        yield Kind.X509_NONE
    if spec.anonymous_tls:
        if name and spec.tls is None:
            yield from _SASL
        if password:
            yield Kind.TLS_VNC
        yield Kind.TLS_NONE
    if not demands_tls(spec):
        if password:
            yield Kind.VNC_AUTH
        yield Kind.NONE


def _why_none(
    offered: tuple[int, ...], spec: RFBSecurity
) -> UpstreamRefused | UpstreamUntrusted | UpstreamViolation:
    """Return the error that tells what could be configured instead."""
    said = f"server offers VeNCrypt types {words(offered)}"
    has = set(offered)
    if spec.tls is None and has & {*_CERTIFIED, *_SASL}:
        return UpstreamRefused(f"{said}, with TLS: configure tls for this console")
    if spec.tls is not None and Kind.X509_VNC in has:
        return UpstreamRefused(f"{said}: it asks for a VNC password and none is configured")
    if spec.tls is not None and has & {Kind.X509_PLAIN, *_SASL}:
        if spec.username:
            return UpstreamUntrusted(
                f"{said}: a password is sent to a verified server only: configure ca_file or "
                "fingerprints"
            )
        return UpstreamRefused(f"{said}: it asks for a user and a password, configure username")
    if has & set(_ANONYMOUS):
        return _why_not_anonymous(said, spec)
    if demands_tls(spec):
        return UpstreamUntrusted(f"{said}, none of them with TLS, which is demanded")
    return UpstreamViolation(f"{said}, none can be used")


def _why_not_anonymous(said: str, spec: RFBSecurity) -> UpstreamRefused | UpstreamUntrusted:
    if not spec.anonymous_tls:
        return UpstreamUntrusted(
            f"{said}: TLS without a certificate stops no attacker in the middle; give the server "
            "a certificate, or accept it as it is with anonymous_tls = true"
        )
    return UpstreamRefused(
        f"{said}: it asks for a password and none is configured, or for a user's, which is sent to "
        "a verified server only"
    )
