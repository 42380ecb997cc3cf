"""The lines of a link: JSON objects, whose member ``is`` says what they are.

Lines of later versions, and members that are not known, are ignored.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..model import UnixTime, ZoneService
from ..text import printable

LONGEST: Final = 4096
"""Bytes of a line, its end included; a security limit."""

_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of the end that was dialled.

    Attributes:
        proxy: the name of the proxy at that end.
        time: there.
    """

    zone: str
    version: str
    proxy: str
    time: UnixTime


@dataclass(frozen=True, slots=True)
class Open:
    """Asks for a tunnel.

    Attributes:
        tunnel: its secret name, good once.
        client: the user's address; empty for none.
    """

    tunnel: str
    service: ZoneService
    client: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Says that a tunnel could not be made.

    Attributes:
        why: a fact for the log.
    """

    tunnel: str
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """Says why the link ends; it is closed after that."""

    why: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Says that the end is alive."""


Message = Hello | Open | Failed | End | Ping

_KINDS: Final[dict[str, type[Message]]] = {
    "hello": Hello,
    "open": Open,
    "failed": Failed,
    "end": End,
    "ping": Ping,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(message: Message) -> bytes:
    """Return a message as a line without its end."""
    return json.dumps({"is": _NAMES[type(message)], **asdict(message)}).encode()


def decode(line: bytes) -> Message | None:
    """Return the message of a line; None for one of a later version.

    Raises:
        ValueError: it is malformed.
    """
    try:
        members = json.loads(line)
        kind = _KINDS.get(str(members["is"]))
        return None if kind is None else _make(kind, members)
    except (KeyError, TypeError, AttributeError, RecursionError, ArithmeticError) as e:
        raise ValueError(f"malformed: {type(e).__name__} {e}") from e


def _make(kind: type[Message], members: dict[str, Any]) -> Message:
    if kind is Hello:
        zone, version, proxy = (_words(members, name) for name in ("zone", "version", "proxy"))
        return Hello(zone, version, proxy, float(members["time"]))
    if kind is Open:
        service = ZoneService(members["service"])
        return Open(_words(members, "tunnel"), service, _words(members, "client"))
    if kind is Failed:
        return Failed(_words(members, "tunnel"), _words(members, "why"))
    return End(_words(members, "why")) if kind is End else Ping()


def _words(members: dict[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__} instead of text")
    return printable(value, _LONGEST_WORDS)
