"""The security type Tight, for servers that offer no other type; the proxy is the client.

It adds lists of capabilities to the handshake, the last one after ServerInit. They are read and not
used.
"""

from __future__ import annotations

from ..errors import UpstreamViolation
from ..handshake.steps import Read, Steps, Write

MAX_CAPABILITIES = 256
"""Capabilities in one list; real servers have a few dozen."""

_CAPABILITY = 16
_LIST, _TAIL = "its list of Tight capabilities", "what Tight adds to ServerInit"
_NO_TUNNEL = bytes(4)


def no_tunnel() -> Steps[None]:
    """Decline all tunnels.

    Raises:
        UpstreamViolation: the list is longer than any real one.
    """
    if (yield from _capabilities()):
        yield Write(_NO_TUNNEL)


def authentications() -> Steps[tuple[int, ...]]:
    """Return the numbers of the authentication types offered; empty where none is required.

    Raises:
        UpstreamViolation: the list is longer than any real one.
    """
    return (yield from _capabilities())


def skip_tail() -> Steps[None]:
    """Read what a Tight server adds to ServerInit: its messages and encodings.

    Raises:
        UpstreamViolation: the lists are longer than any real server's.
    """
    head = yield Read(8, _TAIL)
    counts = [int.from_bytes(head[at : at + 2], "big") for at in (0, 2, 4)]
    yield Read(_checked(sum(counts)) * _CAPABILITY, _TAIL)


def _capabilities() -> Steps[tuple[int, ...]]:
    count = _checked(int.from_bytes((yield Read(4, _LIST)), "big"))
    data = yield Read(count * _CAPABILITY, _LIST)
    return tuple(
        int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), _CAPABILITY)
    )


def _checked(count: int) -> int:
    if count > MAX_CAPABILITIES:
        raise UpstreamViolation(f"{count} Tight capabilities, at most {MAX_CAPABILITIES}")
    return count
