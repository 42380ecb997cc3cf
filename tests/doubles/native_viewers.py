"""Native viewers of the listener in memory, with real TLS."""

from __future__ import annotations

import atexit
import shutil
import ssl
import tempfile
from functools import cache
from pathlib import Path

from twisted.internet.interfaces import IAddress

from tests.components.certificates import Authority
from tests.doubles.proxy_in_memory import ProxyTestCase
from tests.doubles.starttls_peer import StartTLSPeer, TLSClient
from vncproxy.config.listeners import tls_endpoint
from vncproxy.downstream.connections import Connections
from vncproxy.downstream.native_viewer import ViewerFactory
from vncproxy.downstream.proxy_header import ProxyHeaderFactory
from vncproxy.downstream.viewer_tls import ViewersTLS
from vncproxy.testing import SERVER_INIT, MemoryPeer

BANNER = b"RFB 003.008\n"
NEGOTIATION = BANNER, b"\x13", b"\0\x02", b"\0\0\x01\x06"
"""What a viewer sends until TLS: banner, VeNCrypt, its version, X509Plain."""

OFFERS = BANNER + b"\x02\x13\x01" + b"\0\x02" + b"\0" + b"\x01\0\0\x01\x06" + b"\x01"


@cache
def certificate() -> tuple[str, str]:
    """Return the file of an authority, and the endpoint of its certificate for localhost."""
    folder = Path(tempfile.mkdtemp(prefix="viewers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    authority = Authority(folder)
    return authority.ca_file, tls_endpoint(*authority.issue("localhost"))


def plain(name: bytes, password: bytes) -> bytes:
    """Return the bytes of security type Plain."""
    return len(name).to_bytes(4, "big") + len(password).to_bytes(4, "big") + name + password


class NativeCase(ProxyTestCase):
    """The listener, over the proxy in memory.

    Attributes:
        peer, tls: the newest viewer's connection, and its TLS.
    """

    peer: MemoryPeer
    tls: TLSClient

    def setUp(self) -> None:
        super().setUp()
        self.open_listener()

    def open_listener(self) -> None:
        """Make the listener anew, with the limits of the sessions."""
        limits = self.sessions.services.limits
        self.connections = Connections(limits, self.reactor)
        observers = (self.observer, self.connections.refusals)
        self.serve(observers=observers, limits=limits)
        self.certificate = ViewersTLS(certificate()[1])
        self.factory = ViewerFactory(self.sessions, limits, self.connections, self.certificate)

    def connect(self, address: IAddress | None = None, *, balanced: bool = False) -> MemoryPeer:
        """Connect a viewer, perhaps by a balancer."""
        factory = ProxyHeaderFactory(self.factory) if balanced else self.factory
        self.peer = StartTLSPeer(factory.buildProtocol(address), address)
        return self.peer

    def negotiate(self, version: ssl.TLSVersion | None = None) -> TLSClient:
        """Bring a new viewer to where its user enters a token."""
        self.connect()
        self.peer.send(*NEGOTIATION)
        self.assertEqual(self.peer.receive(), OFFERS)
        return self.start_tls(version)

    def start_tls(self, version: ssl.TLSVersion | None = None) -> TLSClient:
        """Shake hands."""
        self.tls = TLSClient(self.peer, certificate()[0], version)
        self.tls.shake_hands()
        return self.tls

    def log_in(self, password: str, name: str = "alice") -> TLSClient:
        """Log a new viewer in; its console is not connected yet."""
        tls = self.negotiate()
        tls.send(plain(name.encode(), password.encode()))
        return tls

    def open(self, password: str | None = None) -> MemoryPeer:
        """Bring a new viewer to where bytes flow; returns the proxy's connection to its console."""
        tls = self.log_in(self.issue() if password is None else password)
        self.hypervisor = self.console()
        self.assertEqual(tls.receive(), bytes(4))
        tls.send(b"\x01")
        self.assertEqual(tls.receive(), SERVER_INIT)
        return self.hypervisor

    def refusal(self) -> str:
        """Return the reason that the newest viewer is shown; it then closes."""
        told = self.tls.receive()
        self.assertEqual(told[:4], b"\0\0\0\x01")
        self.assertEqual(int.from_bytes(told[4:8], "big"), len(told) - 8)
        self.tls.close()
        self.left()
        return told[8:].decode()

    def left(self) -> None:
        """Make sure that nothing is left of the newest viewer."""
        self.wait(5)
        self.assertIsNotNone(self.peer.closed)
        self.assertEqual(len(self.connections), 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
