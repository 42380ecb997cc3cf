"""The security handshake with a console's server: the proxy is the client.

Versions and types as in RFC 6143 sections 7.1 and 7.2; what real servers do differently stands
where it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation
from ..handshake.reasons import clean_reason
from ..handshake.steps import Read, Steps, Write
from ..model import RFBSecurity
from . import tight
from .result import read_result, refusal
from .security_types import Kind, demands_tls, words
from .unsupported_types import advice
from .vencrypt import vencrypt
from .versions import BANNER_SIZE, NotRFB, Version, parse_banner, read_reason, sized_text
from .vnc_auth import authenticate

NAME_LIMIT = 4096
"""Longest desktop name of a server, in bytes."""

_TYPES, _SERVER_INIT = "its security types", "its ServerInit message"


def secure(spec: RFBSecurity) -> Steps[bool]:
    """Agree on version and security with a server, up to its SecurityResult.

    Returns:
        Whether ServerInit will have the tail of security type Tight.

    Raises:
        UpstreamViolation: it does not speak RFB, or offers nothing that can be served.
        UpstreamRefused: it refuses the connection or the password.
        UpstreamUntrusted: it offers less than what is configured, or is not verified.
    """
    version = yield from _agree_on_version()
    offered = yield from _security_types(version)
    chosen = _choose(offered, spec, (*_wanted(spec), Kind.TIGHT))
    if version is not Version.V3_3:
        yield Write(bytes([chosen]))
    try:
        if chosen is Kind.TIGHT:
            yield from _authenticate((yield from _within_tight(spec)), spec, version)
        else:
            yield from _authenticate(chosen, spec, version)
    except UpstreamRefused as e:
        if spec.hint and type(e) is UpstreamRefused:
            raise UpstreamRefused(f"{e.detail}; {spec.hint}") from e
        raise
    return chosen is Kind.TIGHT


def initialise(*, tight_tail: bool = False) -> Steps[bytes]:
    """Exchange ClientInit, always with the shared flag, for ServerInit (section 7.3).

    A server such as QEMU throws other viewers out for an unshared ClientInit, so who may share
    is decided by the proxy.

    Args:
        tight_tail: whether the message has the tail of security type Tight, which is dropped.

    Returns:
        The ServerInit message.

    Raises:
        UpstreamViolation: the desktop's name is longer than any real one.
    """
    yield Write(b"\x01")
    head = yield Read(24, _SERVER_INIT)
    size = int.from_bytes(head[20:24], "big")
    if size > NAME_LIMIT:
        raise UpstreamViolation(f"desktop name of {size} bytes, at most {NAME_LIMIT}")
    server_init = head + (yield Read(size, _SERVER_INIT))
    if tight_tail:
        yield from tight.skip_tail()
    return server_init


def rename(server_init: bytes, name: str) -> bytes:
    """Return a ServerInit message with another desktop name."""
    return server_init[:20] + sized_text(name, NAME_LIMIT)


def desktop_name(server_init: bytes) -> str:
    """Return the desktop name of a ServerInit message as one printable line."""
    return clean_reason(server_init[24:])


def _agree_on_version() -> Steps[Version]:
    try:
        version = parse_banner((yield Read(BANNER_SIZE, "its RFB version")))
    except NotRFB as e:
        raise UpstreamViolation(e.detail) from e
    yield Write(version.value)
    return version


def _security_types(version: Version) -> Steps[tuple[int, ...]]:
    if version is Version.V3_3:
        kind = int.from_bytes((yield Read(4, _TYPES)), "big")
        types: tuple[int, ...] = () if kind == Kind.INVALID else (kind,)
    else:
        count = (yield Read(1, _TYPES))[0]
        types = tuple((yield Read(count, _TYPES)))
    if not types:
        reason = yield from read_reason()
        raise refusal("server refused", reason, "it gave no reason")
    return types


def _wanted(spec: RFBSecurity) -> Iterator[Kind]:
    """Yield the types that may be used, the best first: authentication where it is possible."""
    if demands_tls(spec):
        yield Kind.VENCRYPT
        return
    if spec.password is not None:
        yield Kind.VNC_AUTH
    yield Kind.NONE
    yield Kind.VENCRYPT


def _choose(offered: tuple[int, ...], spec: RFBSecurity, wanted: Iterable[Kind]) -> Kind:
    for kind in wanted:
        if kind in offered:
            return kind
    if demands_tls(spec):
        raise UpstreamUntrusted(
            f"server offers security types {words(offered)}, and TLS (VeNCrypt) is demanded: "
            "switch it on there, or take tls out of this console's configuration"
        )
    if Kind.VNC_AUTH in offered:
        raise UpstreamRefused("server asks for a VNC password and none is configured")
    if Kind.SASL in offered:
        raise UpstreamRefused("server asks for SASL without TLS: switch TLS on there")
    told = f"server offers security types {words(offered)}, none is supported"
    raise UpstreamViolation("; ".join(filter(None, (told, advice(offered)))))


def _within_tight(spec: RFBSecurity) -> Steps[Kind]:
    yield from tight.no_tunnel()
    offered = yield from tight.authentications()
    # without a list it goes on as for type None
    chosen = _choose(offered or (Kind.NONE,), spec, _wanted(spec))
    if offered:
        yield Write(chosen.to_bytes(4, "big"))
    return chosen


def _authenticate(chosen: Kind, spec: RFBSecurity, version: Version) -> Steps[None]:
    if chosen is Kind.VENCRYPT:
        yield from vencrypt(spec, version)
        return
    if chosen is Kind.VNC_AUTH:
        yield from authenticate(spec.password or "")
    if chosen is not Kind.NONE or version is Version.V3_8:
        yield from read_result(version)
