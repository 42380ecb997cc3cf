"""Endpoint strings of listeners, as far as they can be judged without listening."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from OpenSSL import SSL, crypto
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import VerifyError

FILE_ERRORS: Final = (OSError, SSL.Error, crypto.Error, VerifyError)
"""What is raised where a file that an endpoint string names cannot be used."""

BACKLOG: Final = 4096
"""Connections that wait to be accepted, at most."""

_PART: Final = re.compile(r"(?:\\.|[^:\\])*", re.DOTALL)
_WRAPPERS: Final = ("haproxy",)
_WITH_PORT: Final = ("tcp", "tcp6", "ssl")
_WITH_BACKLOG: Final = (*_WITH_PORT, "unix")
_OF_THE_PARSER: Final = re.compile(r"^\w*\(\) |^\w+\.\w+\(\) ")


@dataclass(frozen=True, slots=True)
class EndpointText:
    """An endpoint string taken apart, without a ``haproxy:`` before it.

    Attributes:
        kind: ``tcp``, ``ssl``, ``unix``, ….
        arguments: what stands between the colons without a name, in order.
        options: what stands there as ``name=value``.
    """

    kind: str
    arguments: tuple[str, ...]
    options: dict[str, str]

    @property
    def port(self) -> int | None:
        """The port of a kind of endpoint that has one; None where it is none."""
        text = self.arguments[0] if self.arguments else self.options.get("port", "")
        number = int(text) if text.isascii() and text.isdigit() else None
        return number if number is not None and number < 65536 else None

    @classmethod
    def parse(cls, text: str) -> EndpointText:
        """Split at the colons that no backslash quotes."""
        arguments: list[str] = []
        options: dict[str, str] = {}
        for part in _parts(text):
            name, equals, value = part.partition("=")
            if equals:
                options[name] = value
            else:
                arguments.append(part)
        while len(arguments) > 1 and arguments[0].lower() in _WRAPPERS:
            del arguments[0]
        kind = arguments[0] if arguments else ""
        return cls(kind, tuple(arguments[1:]), options)


def without_wrapper(text: str) -> tuple[str, bool]:
    """Return an endpoint string without ``haproxy:`` before it, and whether it was there."""
    kind, colon, rest = text.partition(":")
    if colon and kind.lower() in _WRAPPERS:
        return without_wrapper(rest)[0], True
    return text, False


def _parts(text: str) -> list[str]:
    found, position = [], 0
    while position <= len(text):
        match = _PART.match(text, position)
        assert match is not None
        found.append(re.sub(r"\\(.)", r"\1", match.group()))
        position = match.end() + 1
    return found


def with_backlog(text: str) -> str:
    """Return an endpoint string whose listener holds many connections that are not accepted yet.

    Twisted's default of 50 makes users wait who come at once; the kernel lowers the number to its
    own limit, ``net.core.somaxconn``. One that names its ``backlog`` is left as it is.
    """
    parsed = EndpointText.parse(text)
    if parsed.kind not in _WITH_BACKLOG or "backlog" in parsed.options:
        return text
    return f"{text}:backlog={BACKLOG}"


def problem_of(text: str) -> str | None:
    """Say why an endpoint string cannot work; None when it can.

    Files and inherited sockets that it names may be missing here: they are looked at when it
    listens.
    """
    if _ends_in_backslash(text):
        return "must not end in a backslash"
    parsed = EndpointText.parse(text)
    if parsed.kind in _WITH_PORT and parsed.port is None:
        return f"{parsed.kind}: needs a port from 0 to 65535, as in {parsed.kind}:6080"
    try:
        serverFromString(object(), text)
    except FILE_ERRORS:
        return None
    except LookupError as error:
        return None if parsed.kind == "systemd" else str(error)
    except (ValueError, TypeError, AttributeError) as error:
        return _in_words(parsed.kind, str(error))
    return None


def _in_words(kind: str, complaint: str) -> str:
    if complaint.startswith("Unknown endpoint type"):
        return "must begin with a type of endpoint: tcp:, tcp6:, ssl:, unix:, systemd: or haproxy:"
    return f"{kind}: {_OF_THE_PARSER.sub('', complaint)}"


def _ends_in_backslash(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1
