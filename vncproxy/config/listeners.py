"""Endpoint strings of listeners: parsed, checked without listening, and completed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from OpenSSL import SSL, crypto
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import VerifyError
from twisted.python.filepath import LinkError

from ..addresses import is_loopback

FILE_ERRORS: Final = (OSError, LinkError, SSL.Error, crypto.Error, VerifyError)
"""Exceptions for a file that an endpoint string names and that cannot be used."""

BACKLOG: Final = 4096
"""The most connections that the kernel holds until they are accepted."""

_PART: Final = re.compile(r"(?:\\.|[^:\\])*", re.DOTALL)
_WRAPPERS: Final = ("haproxy",)
_WITH_PORT: Final = ("tcp", "tcp6", "ssl")
_WITH_BACKLOG: Final = (*_WITH_PORT, "unix")
_OF_THE_PARSER: Final = re.compile(r"^\w*\(\) |^\w+\.\w+\(\) ")


@dataclass(frozen=True, slots=True)
class EndpointText:
    """A parsed endpoint string, without ``haproxy:`` before it.

    Attributes:
        kind: ``tcp``, ``ssl``, ``unix``, ….
        arguments: the words between the colons that have no name, in order.
        options: those that are ``name=value``.
    """

    kind: str
    arguments: tuple[str, ...]
    options: dict[str, str]

    @property
    def port(self) -> int | None:
        """The port; None where there is no valid one."""
        text = self.arguments[0] if self.arguments else self.options.get("port", "")
        number = int(text) if text.isascii() and text.isdigit() else None
        return number if number is not None and number < 65536 else None

    @classmethod
    def parse(cls, text: str) -> EndpointText:
        """Split at the colons without a backslash before them."""
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
    """Return an endpoint string without a leading ``haproxy:``, and whether it had one."""
    kind, colon, rest = text.partition(":")
    if colon and kind.lower() in _WRAPPERS:
        return without_wrapper(rest)[0], True
    return text, False


def tls_endpoint(certificate_file: str, key_file: str) -> str:
    """Return an ``ssl:`` endpoint string with these files, for what reads them.

    Args:
        key_file: empty where the certificate's file has the key, too.
    """
    certificate, key = escaped(certificate_file), escaped(key_file or certificate_file)
    return f"ssl:0:privateKey={key}:certKey={certificate}"


def escaped(value: str) -> str:
    """Return a value as it stands in an endpoint string."""
    return value.replace("\\", "\\\\").replace(":", "\\:")


def is_local(text: str) -> bool:
    """Tell whether only programs of this machine reach a listener.

    With ``haproxy:`` the connections are those of a load balancer, for clients anywhere.
    """
    parsed = EndpointText.parse(text)
    if without_wrapper(text)[1]:
        return False
    return parsed.kind == "unix" or (
        parsed.kind in _WITH_PORT and is_loopback(parsed.options.get("interface", ""))
    )


def _parts(text: str) -> list[str]:
    found, position = [], 0
    while position <= len(text):
        match = _PART.match(text, position)
        assert match is not None
        found.append(re.sub(r"\\(.)", r"\1", match.group()))
        position = match.end() + 1
    return found


def with_backlog(text: str) -> str:
    """Return an endpoint string with a ``backlog`` of `BACKLOG`, unless it has its own.

    With Twisted's default of 50, users that connect at the same time have to wait. The kernel
    lowers the number to its own limit, ``net.core.somaxconn``.
    """
    parsed = EndpointText.parse(text)
    if parsed.kind not in _WITH_BACKLOG or "backlog" in parsed.options:
        return text
    return f"{text}:backlog={BACKLOG}"


def endpoint_error(text: str) -> str | None:
    """Return why an endpoint string cannot work, or None.

    Files and inherited sockets that it names are not checked before it listens.
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
        return _explain(parsed.kind, str(error))
    return None


def _explain(kind: str, message: str) -> str:
    if message.startswith("Unknown endpoint type"):
        return "must begin with a type of endpoint: tcp:, tcp6:, ssl:, unix:, systemd: or haproxy:"
    return f"{kind}: {_OF_THE_PARSER.sub('', message)}"


def _ends_in_backslash(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1
