"""The target of another issuer's token: a host and port, or a unix socket."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...addresses import bracketed

UNIX_SOCKET = "unix_socket:"
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a token points to: a host, an IPv6 address without brackets, or a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{UNIX_SOCKET}{self.path}"
        return f"{bracketed(self.host)}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``host:port``, with or without brackets around the host, or ``unix_socket:/path``.

        The last colon counts, as in websockify's token files.

        Raises:
            ValueError: it is none of these; without saying what it is.
        """
        text = text.strip()
        if text.startswith(UNIX_SOCKET):
            path = text.removeprefix(UNIX_SOCKET)
            if not path.startswith("/") or not path.isprintable():
                raise ValueError("a unix socket needs an absolute path")
            return cls(path=path)
        host, colon, port = text.rpartition(":")
        if not colon:
            raise ValueError("no colon between host and port")
        return cls.of(host, port)

    @classmethod
    def of(cls, host: object, port: object) -> Target:
        """Check a host, bracketed or not, and a port, as a number or in digits.

        Raises:
            ValueError: one of them cannot be dialled; without saying what it is.
        """
        if not isinstance(host, str) or not _HOST.fullmatch(name := _without_brackets(host)):
            raise ValueError("the host is no name or address")
        if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) <= 5:
            port = int(port)
        if type(port) is not int or not 0 < port < 65536:
            raise ValueError("the port is no number from 1 to 65535")
        return cls(name, port)


def _without_brackets(host: str) -> str:
    return host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
