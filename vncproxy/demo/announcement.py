"""The links that ``vncproxy demo`` prints, one in each line."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from ..addresses import bracketed
from ..tokens.access_url import access_url

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 asked for by a user
"""Wildcard address -> an address that a browser on this machine can open."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """The address and port that the demonstration listens on."""

    host: str
    port: int

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for all addresses of this machine."""
        return self.host in _LOOPBACK

    @property
    def netloc(self) -> str:
        """Host and port for a browser on this machine."""
        return _netloc(_LOOPBACK.get(self.host, self.host), self.port)

    @property
    def base_url(self) -> str:
        """The URL of the page, without a token."""
        return f"http://{self.netloc}/"

    @property
    def viewer_url(self) -> str:
        """The URL for TCP viewers, without a token."""
        return f"http://{self.netloc}/console"


def console_lines(address: ListenAddress, secret: str) -> list[str]:
    """Return the lines with the console's link, and with other ways to reach it."""
    connect = f"CONNECT /console?token={secret} on {address.netloc}"
    lines = [
        f"console: {access_url(address.base_url, secret)}",
        f"viewer:  {connect} (Java viewer, xvp); any other through `vncproxy bridge LINK`",
    ]
    if address.is_wildcard:
        elsewhere = f"http://{_netloc(socket.gethostname(), address.port)}/"
        lines += [
            f"others:  {access_url(elsewhere, secret)}",
            "Anybody who has a link and reaches this machine can use the console.",
        ]
    return lines


def vm_lines(address: ListenAddress, machines: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each machine, given by name and secret."""
    return [f"vm {name}: {access_url(address.base_url, secret)}" for name, secret in machines]


def _netloc(host: str, port: int) -> str:
    return f"{bracketed(host)}:{port}"
