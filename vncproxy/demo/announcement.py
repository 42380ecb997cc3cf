"""What ``vncproxy demo`` prints: links to open, one in each line."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from ..tokens.access_url import access_url

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 asked for by a user
"""Addresses that stand for all of this machine's -> one that its own browser can open."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demonstration listens: an address of this machine, and a port."""

    address: str
    port: int

    @property
    def everywhere(self) -> bool:
        """Whether other machines can connect on any address."""
        return self.address in _LOOPBACK

    @property
    def netloc(self) -> str:
        """Host and port as a browser on this machine can open them."""
        return _netloc(_LOOPBACK.get(self.address, self.address), self.port)

    @property
    def base_url(self) -> str:
        """The link without its token."""
        return f"http://{self.netloc}/"

    @property
    def viewer_url(self) -> str:
        """What a TCP viewer connects through, without the token."""
        return f"http://{self.netloc}/console"


def console_lines(place: Place, secret: str) -> list[str]:
    """Return the line of the console and how else to reach it."""
    connect = f"CONNECT /console?token={secret} on {place.netloc}"
    lines = [
        f"console: {access_url(place.base_url, secret)}",
        f"viewer:  {connect} (Java viewer, xvp); any other through `vncproxy bridge LINK`",
    ]
    if place.everywhere:
        elsewhere = f"http://{_netloc(socket.gethostname(), place.port)}/"
        lines += [
            f"others:  {access_url(elsewhere, secret)}",
            "Anybody who has a link and reaches this machine can use the console.",
        ]
    return lines


def vm_lines(place: Place, machines: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each machine, given by name and secret."""
    return [f"vm {name}: {access_url(place.base_url, secret)}" for name, secret in machines]


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
