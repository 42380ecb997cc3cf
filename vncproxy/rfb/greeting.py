"""The greeting of a viewer: the proxy is the server and offers security type None.

The token has authorised the user already, so no password ever reaches a viewer. A failure is told
in the security phase, the one place where every viewer shows a text (RFC 6143 section 7.1.2).
"""

from __future__ import annotations

from ..errors import DownstreamViolation
from ..steps import Read, Steps, Write
from .versions import BANNER_SIZE, NotRFB, Version, encode_reason, parse_banner

NONE = 1
_U32_NONE = NONE.to_bytes(4, "big")
_OK = bytes(4)


def greet() -> Steps[bool]:
    """Greet a viewer up to and including its ClientInit.

    Returns:
        The shared flag of ClientInit.

    Raises:
        DownstreamViolation: it does not speak RFB, or chooses what was not offered.
    """
    version = yield from _agree_on_version()
    if version is Version.V3_3:
        yield Write(_U32_NONE)
    else:
        yield Write(bytes([1, NONE]))
        choice = (yield Read(1, "its choice of a security type"))[0]
        if choice != NONE:
            raise DownstreamViolation(f"viewer chose security type {choice}, offered {NONE}")
    if version is Version.V3_8:
        yield Write(_OK)
    return (yield Read(1, "its ClientInit message")) != b"\0"


def refuse(reason: str) -> Steps[None]:
    """Tell a viewer why it gets no console: no security types, and the reason."""
    version = yield from _agree_on_version()
    zero_types = bytes(4) if version is Version.V3_3 else bytes(1)
    yield Write(zero_types + encode_reason(reason))


def _agree_on_version() -> Steps[Version]:
    yield Write(Version.V3_8.value)
    try:
        return parse_banner((yield Read(BANNER_SIZE, "its RFB version")))
    except NotRFB as e:
        raise DownstreamViolation(e.detail) from e
