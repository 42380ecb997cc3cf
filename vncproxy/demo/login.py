"""The handshake of an RFB server that may ask for a password (RFC 6143 section 7.1)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hmac import compare_digest

from ..errors import DownstreamViolation
from ..handshake.steps import Read, Steps, Write
from ..rfb.security_types import SecurityType
from ..rfb.versions import BANNER_SIZE, Version, encode_reason, parse_banner
from ..rfb.vnc_auth import vnc_response

WRONG_PASSWORD = "The password is wrong."  # noqa: S105 it says that one was wrong
_OK, _FAILED = bytes(4), b"\0\0\0\1"


def log_in(
    server_init: bytes,
    password: str | None = None,
    *,
    version: Version = Version.V3_8,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> Steps[bool]:
    """Serve the handshake up to ServerInit.

    Args:
        server_init: the message that ends the handshake.
        password: demands VNC authentication; only its first 8 bytes count.
        version: the newest version to speak.
        random_bytes: makes the challenge.

    Returns:
        Whether the viewer may continue; if not, the refusal has been sent.

    Raises:
        DownstreamViolation: the viewer chose a type that was not offered.
        NotRFB: the viewer sent no RFB banner.
    """
    yield Write(version.value)
    wanted = parse_banner((yield Read(BANNER_SIZE)))
    agreed = min(wanted, version, key=lambda one: one.value)
    kind = SecurityType.NONE if password is None else SecurityType.VNC_AUTH
    yield from _choose(agreed, kind)
    welcome = password is None or (yield from _password_fits(password, random_bytes(16)))
    if kind != SecurityType.NONE or agreed is Version.V3_8:
        yield Write(_OK if welcome else _FAILED)
    if not welcome:
        if agreed is Version.V3_8:
            yield Write(encode_reason(WRONG_PASSWORD))
        return False
    yield Read(1)
    yield Write(server_init)
    return True


def _choose(agreed: Version, kind: int) -> Steps[None]:
    if agreed is Version.V3_3:
        yield Write(kind.to_bytes(4, "big"))
        return
    yield Write(bytes([1, kind]))
    choice = (yield Read(1))[0]
    if choice != kind:
        raise DownstreamViolation(f"viewer chose security type {choice}, offered {kind}")


def _password_fits(password: str, challenge: bytes) -> Steps[bool]:
    yield Write(challenge)
    response = yield Read(len(challenge))
    return compare_digest(response, vnc_response(password, challenge))
