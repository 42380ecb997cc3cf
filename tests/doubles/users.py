"""The site in memory, and clients that send it HTTP, WebSocket and RFB byte by byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.web.resource import IResource
from zope.interface import alsoProvides

from tests.doubles.frames import BINARY, frames, masked
from tests.doubles.proxy_in_memory import ProxyTestCase
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.downstream.routes import ConsoleResource
from vncproxy.downstream.trust import Trust
from vncproxy.errors import VNCProxyError
from vncproxy.testing import MemoryPeer

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""A handshake's key and the answer to it, from RFC 6455 section 1.3."""

PAGE = "http://localhost:6080"


@dataclass
class Answer:
    """An HTTP answer taken apart; header names in lower case."""

    line: str
    headers: dict[str, list[str]]
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> Answer:
        head, _, body = data.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers: dict[str, list[str]] = {}
        for name, _, value in (line.partition(": ") for line in lines):
            headers.setdefault(name.lower(), []).append(value)
        if headers.get("transfer-encoding") == ["chunked"]:
            body = b"".join(body.split(b"\r\n")[1::2])
        return cls(line, headers, body)

    @property
    def status(self) -> int:
        return int(self.line.split()[1])

    def header(self, name: str) -> str:
        (value,) = self.headers[name]
        return value


class SiteTestCase(ProxyTestCase):
    """The users' site over the proxy in memory."""

    trust = Trust(origins=frozenset({"https://console.example.com"}))
    prefix = "/"

    def setUp(self) -> None:
        super().setUp()
        self.open_site()

    def open_site(self, others: dict[str, IResource] | None = None, **changes: Any) -> None:
        """Make the site anew, perhaps with other services than usual."""
        self.serve(**changes)
        consoles = ConsoleResource(self.sessions, self.trust, self.prefix, 600, others or {})
        services = self.sessions.services
        self.site = ConsoleSite(consoles, services.limits, services.reactor)

    def connect(self, *, secure: bool = False, address: IAddress | None = None) -> MemoryPeer:
        """Connect a user."""
        peer = MemoryPeer(self.site.buildProtocol(address), address=address)
        if secure:
            alsoProvides(peer, ISSLTransport)
        return peer

    def ask(self, request: str, *headers: str, peer: MemoryPeer | None = None) -> Answer:
        """Send a request and return the answer."""
        peer = peer or self.connect()
        peer.send("\r\n".join([request, "Host: localhost", *headers, "", ""]).encode("latin-1"))
        return Answer.parse(peer.receive())

    def refusal_id(self) -> str:
        """Return the id of the only refusal, as it stands in the log."""
        ((info, _),) = self.observer.refusals
        return info.id

    def only_refusal(self) -> VNCProxyError:
        ((_, error),) = self.observer.refusals
        return error


def upgrade(target: str, *headers: str, version: str = "1.1") -> bytes:
    """A browser's opening handshake, of our page unless another origin is given."""
    origin = () if any(h.startswith("Origin:") for h in headers) else (f"Origin: {PAGE}",)
    return program_upgrade(target, *origin, *headers, version=version)


def program_upgrade(target: str, *headers: str, version: str = "1.1") -> bytes:
    """The opening handshake of a program that is no browser, without ``Origin``."""
    lines = [
        f"GET {target} HTTP/{version}",
        "Host: localhost:6080",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Browser:
    """A browser that has sent its opening handshake; sends and receives RFB.

    Attributes:
        answer: the answer to the handshake, None until it came.
        control: frames that are not binary.
    """

    def __init__(self, peer: MemoryPeer, request: bytes) -> None:
        self.peer = peer
        self.answer: Answer | None = None
        self.control: list[tuple[int, bytes]] = []
        peer.send(request)

    def send(self, payload: bytes) -> None:
        self.peer.send(masked(BINARY, payload))

    def receive(self) -> bytes:
        data = self.peer.receive()
        if self.answer is None and data:
            self.answer = Answer.parse(data)
            data = self.answer.body
        heard = frames(data)
        self.control += [(kind, text) for kind, text in heard if kind != BINARY]
        return b"".join(text for kind, text in heard if kind == BINARY)
