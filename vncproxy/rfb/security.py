"""The security handshake with a console's server: the proxy is the client.

Versions and types as in RFC 6143 sections 7.1 and 7.2; what real servers do differently stands
where it matters.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from ..errors import UpstreamRefused, UpstreamViolation
from ..model import RFBSecurity
from ..steps import Read, Steps, Write
from .versions import (
    BANNER_SIZE,
    NotRFB,
    Version,
    clean_reason,
    parse_banner,
    read_reason,
    sized_text,
)

INVALID, NONE, VNC_AUTH = 0, 1, 2
NAME_LIMIT = 4096
"""Longest desktop name of a server, in bytes."""

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def secure(spec: RFBSecurity) -> Steps[None]:
    """Agree on version and security with a server, up to its SecurityResult.

    Raises:
        UpstreamViolation: it does not speak RFB, or offers nothing that can be served.
        UpstreamRefused: it refuses the connection or the password.
    """
    version = yield from _agree_on_version()
    offered = yield from _security_types(version)
    chosen = _choose(offered, spec)
    if version is not Version.V3_3:
        yield Write(bytes([chosen]))
    if chosen == VNC_AUTH:
        yield from _vnc_authentication(spec.password or "")
    if chosen != NONE or version is Version.V3_8:
        yield from _security_result(version)


def initialise() -> Steps[bytes]:
    """Exchange ClientInit, always with the shared flag, for ServerInit (section 7.3).

    A server such as QEMU throws other viewers out for an unshared ClientInit, so who may share
    is decided by the proxy.

    Returns:
        The ServerInit message as it came.

    Raises:
        UpstreamViolation: the desktop's name is longer than any real one.
    """
    yield Write(b"\x01")
    head = yield Read(24)
    size = int.from_bytes(head[20:24], "big")
    if size > NAME_LIMIT:
        raise UpstreamViolation(f"desktop name of {size} bytes, at most {NAME_LIMIT}")
    return head + (yield Read(size))


def rename(server_init: bytes, name: str) -> bytes:
    """Return a ServerInit message with another desktop name."""
    return server_init[:20] + sized_text(name, NAME_LIMIT)


def desktop_name(server_init: bytes) -> str:
    """Return the desktop name of a ServerInit message as one printable line."""
    return clean_reason(server_init[24:])


def vnc_response(password: str, challenge: bytes) -> bytes:
    """Return the answer to a VNC authentication challenge (section 7.2.2).

    DES in ECB mode, keyed with the first 8 bytes of the password, the bits of each byte reversed;
    computed as triple DES with three equal keys.
    """
    key = password.encode()[:8].ljust(8, b"\0").translate(_REVERSED)
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 the protocol's own
    return encryptor.update(challenge) + encryptor.finalize()


def _agree_on_version() -> Steps[Version]:
    try:
        version = parse_banner((yield Read(BANNER_SIZE)))
    except NotRFB as e:
        raise UpstreamViolation(e.detail) from e
    yield Write(version.value)
    return version


def _security_types(version: Version) -> Steps[tuple[int, ...]]:
    if version is Version.V3_3:
        kind = int.from_bytes((yield Read(4)), "big")
        types: tuple[int, ...] = () if kind == INVALID else (kind,)
    else:
        count = (yield Read(1))[0]
        types = tuple((yield Read(count)))
    if not types:
        reason = yield from read_reason()
        raise UpstreamRefused(f"server refused: {reason or 'it gave no reason'}")
    return types


def _choose(offered: tuple[int, ...], spec: RFBSecurity) -> int:
    """Return the type to use: authentication where it is possible, as it is asked for."""
    if VNC_AUTH in offered and spec.password is not None:
        return VNC_AUTH
    if NONE in offered:
        return NONE
    if VNC_AUTH in offered:
        raise UpstreamRefused("server asks for a VNC password and none is configured")
    raise UpstreamViolation(f"server offers security types {offered}, none is supported")


def _vnc_authentication(password: str) -> Steps[None]:
    challenge = yield Read(16)
    yield Write(vnc_response(password, challenge))


def _security_result(version: Version) -> Steps[None]:
    result = int.from_bytes((yield Read(4)), "big")
    if result == 0:
        return
    reason = (yield from read_reason()) if version is Version.V3_8 else ""
    raise UpstreamRefused(f"authentication failed: {reason or f'result {result}'}")
