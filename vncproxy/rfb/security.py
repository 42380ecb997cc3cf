"""The security handshake with a console's server: the proxy is the client.

Versions and types as in RFC 6143 sections 7.1 and 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation
from ..handshake.steps import Read, Steps, Write
from ..model import RFBSecurity
from . import tight
from .result import read_result, refusal
from .security_types import SecurityType, describe_types, requires_tls
from .unsupported_types import advice
from .vencrypt import vencrypt
from .versions import BANNER_SIZE, NotRFB, Version, parse_banner, read_reason
from .vnc_auth import authenticate

_TYPES = "its security types"


def negotiate_security(spec: RFBSecurity) -> Steps[bool]:
    """Negotiate version and security type with a server and authenticate, up to SecurityResult.

    Returns:
        Whether ServerInit will have the tail of security type Tight.

    Raises:
        UpstreamViolation: the server does not use RFB, or offers no supported type.
        UpstreamRefused: it refuses the connection or the password.
        UpstreamUntrusted: it offers less security than is configured, or is not verified.
    """
    version = yield from _agree_on_version()
    offered = yield from _security_types(version)
    chosen = _choose(offered, spec, (*_wanted(spec), SecurityType.TIGHT))
    if version is not Version.V3_3:
        yield Write(bytes([chosen]))
    try:
        if chosen is SecurityType.TIGHT:
            yield from _authenticate((yield from _within_tight(spec)), spec, version)
        else:
            yield from _authenticate(chosen, spec, version)
    except UpstreamRefused as e:
        if spec.hint and type(e) is UpstreamRefused:
            raise UpstreamRefused(f"{e.detail}; {spec.hint}") from e
        raise
    return chosen is SecurityType.TIGHT


def _agree_on_version() -> Steps[Version]:
    try:
        version = parse_banner((yield Read(BANNER_SIZE, "its RFB version")))
    except NotRFB as e:
        raise UpstreamViolation(e.detail) from e
    yield Write(version.value)
    return version


def _security_types(version: Version) -> Steps[tuple[int, ...]]:
    if version is Version.V3_3:
        security_type = int.from_bytes((yield Read(4, _TYPES)), "big")
        types: tuple[int, ...] = () if security_type == SecurityType.INVALID else (security_type,)
    else:
        count = (yield Read(1, _TYPES))[0]
        types = tuple((yield Read(count, _TYPES)))
    if not types:
        reason = yield from read_reason()
        raise refusal("server refused", reason, "it gave no reason")
    return types


def _wanted(spec: RFBSecurity) -> Iterator[SecurityType]:
    """Yield the types that may be used, in order of preference: authentication first."""
    if requires_tls(spec):
        yield SecurityType.VENCRYPT
        return
    if spec.password is not None:
        yield SecurityType.VNC_AUTH
    yield SecurityType.NONE
    yield SecurityType.VENCRYPT


def _choose(
    offered: tuple[int, ...], spec: RFBSecurity, wanted: Iterable[SecurityType]
) -> SecurityType:
    for security_type in wanted:
        if security_type in offered:
            return security_type
    if requires_tls(spec):
        raise UpstreamUntrusted(
            f"server offers security types {describe_types(offered)}, and TLS (VeNCrypt) is "
            "demanded: switch it on there, or take tls out of this console's configuration"
        )
    if SecurityType.VNC_AUTH in offered:
        raise UpstreamRefused("server asks for a VNC password and none is configured")
    if SecurityType.SASL in offered:
        raise UpstreamRefused("server asks for SASL without TLS: switch TLS on there")
    detail = f"server offers security types {describe_types(offered)}, none is supported"
    raise UpstreamViolation("; ".join(filter(None, (detail, advice(offered)))))


def _within_tight(spec: RFBSecurity) -> Steps[SecurityType]:
    yield from tight.no_tunnel()
    offered = yield from tight.authentications()
    # an empty list means type None
    chosen = _choose(offered or (SecurityType.NONE,), spec, _wanted(spec))
    if offered:
        yield Write(chosen.to_bytes(4, "big"))
    return chosen


def _authenticate(chosen: SecurityType, spec: RFBSecurity, version: Version) -> Steps[None]:
    if chosen is SecurityType.VENCRYPT:
        yield from vencrypt(spec, version)
        return
    if chosen is SecurityType.VNC_AUTH:
        yield from authenticate(spec.password or "")
    if chosen is not SecurityType.NONE or version is Version.V3_8:
        yield from read_result(version)
