"""Requests over a connection in memory, and what the site makes of them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.internet.task import Clock
from twisted.web.http import Request
from twisted.web.resource import Resource
from zope.interface import alsoProvides

from vncproxy.downstream.forwarded import Forwarding
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.downstream.request import read_user_request
from vncproxy.downstream.trust import Trust
from vncproxy.model import ConsoleType, Limits
from vncproxy.session.user_request import UserRequest
from vncproxy.testing import MemoryPeer

PROXY = IPv4Address("TCP", "10.0.0.1", 50000)
BEHIND_PROXY = Trust(frozenset(), Forwarding((ip_network("10.0.0.0/8"), ip_network("fd00::/8"))))


class _Noting(Resource):
    """Keeps what the site makes of a request."""

    isLeaf = True

    def __init__(self, trust: Trust, type: ConsoleType) -> None:  # noqa: A002
        super().__init__()
        self.type = type
        self.trust = trust
        self.user_requests: list[UserRequest] = []

    def render(self, request: Request) -> Any:
        self.user_requests.append(read_user_request(request, self.type, self.trust))
        return b""


def user_request(
    target: str = "/",
    *headers: str,
    trust: Trust = Trust(frozenset({"https://console.example.com"})),  # noqa: B008
    address: IAddress | None = None,
    secure: bool = False,
    host: str = "localhost:6080",
    type: ConsoleType = ConsoleType.NOVNC,  # noqa: A002
) -> UserRequest:
    noting = _Noting(trust, type)
    protocol = ConsoleSite(noting, Limits(), Clock()).buildProtocol(address)
    peer = MemoryPeer(protocol, address=address)
    if secure:
        alsoProvides(peer, ISSLTransport)
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    peer.send("\r\n".join(lines).encode("latin-1"))
    (found,) = noting.user_requests
    return found
