"""The SecurityResult of a server (RFC 6143 section 7.1.3)."""

from __future__ import annotations

from ..errors import UpstreamRefused
from ..steps import Read, Steps
from .versions import Version, read_reason


def read_result(version: Version) -> Steps[None]:
    """Read whether the server lets the proxy in.

    Raises:
        UpstreamRefused: it does not; with its reason where the version has one.
    """
    result = int.from_bytes((yield Read(4, "the result of the authentication")), "big")
    if result == 0:
        return
    reason = (yield from read_reason()) if version is Version.V3_8 else ""
    raise UpstreamRefused(f"authentication failed: {reason or f'result {result}'}")
