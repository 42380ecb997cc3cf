"""Legs on real sockets, on loopback, and a reactor that the test turns by hand.

Peers have the verbs of `vncproxy.testing.MemoryPeer`, so that the same tests run on both.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import struct
import tempfile
from contextlib import suppress
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from twisted.internet.protocol import ClientFactory
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS
from twisted.protocols import tls as twisted_tls
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.doubles.loop import Loop
from vncproxy.downstream.proxy_header import ProxyHeader, ProxyHeaderFactory
from vncproxy.relay.fast.pump import Pump
from vncproxy.relay.leg import Leg

SMALL_BUFFER = 8192
"""Bytes of every socket's buffers, so that a peer that does not read is noticed soon."""


SEGMENT = 1024
"""Of TCP: with loopback's 64 KiB, small buffers would be waited for."""


class Way(Enum):
    """What is between a leg and its peer."""

    TCP = "tcp"
    UNIX = "unix"
    TLS = "TLS from the first byte"
    START_TLS = "TLS begun on an open connection"
    PROXY = "tcp, which begins with the PROXY protocol where it is accepted"


@cache
def _certificates() -> tuple[Path, str, str]:
    folder = Path(tempfile.mkdtemp(prefix="wire-"))
    certificate, key = Authority(folder).issue("localhost")
    return folder, certificate, key


def forget_certificates() -> None:
    """Remove the folder of `Wire`'s certificates; they are made anew when needed."""
    if _certificates.cache_info().currsize:
        shutil.rmtree(_certificates()[0])
        _certificates.cache_clear()


class _Once(ClientFactory):
    noisy = False

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def buildProtocol(self, addr: object) -> Leg:
        return self._leg


class SocketPeer:
    """The other end of a leg's connection.

    Args:
        accepted: whether the leg is the side that accepted, as a user's is; a console's was
            dialled.
        all_peers: whose backlogs go on while one of them receives.

    Attributes:
        socket: the peer's, non-blocking.
        most: the most bytes that were seen waiting in the leg's transport.
        ended: whether the leg's side has sent its end of file.
    """

    def __init__(
        self, loop: Loop, leg: Leg, way: Way, accepted: bool, all_peers: list[SocketPeer]
    ) -> None:
        self.most = 0
        self.ended = False
        self._loop = loop
        self._leg = leg
        self._way = way
        self._coming: list[bytes] = []
        self._all_peers = all_peers
        self.socket = self._be_accepted() if accepted else self._accept()
        if way is Way.START_TLS:
            self._start_tls(accepted)
        if way in (Way.TLS, Way.START_TLS):
            self._shake_hands(accepted)
        loop.settle()

    @property
    def reading(self) -> bool:
        return not self._leg.paused

    @property
    def closed(self) -> bool | None:
        return self._leg.closed.called or None

    @property
    def half_closed(self) -> bool:
        return self.ended and not self._leg.closed.called

    def send(self, *pieces: bytes) -> None:
        """Send bytes, each piece as one segment, as far as there is room."""
        self._coming += pieces
        self.pump()

    def pump(self) -> bool:
        """Let things move; False when nothing did."""
        moved = False
        while self._push():
            moved = True
            self._loop.settle(0)
            self._measure()
        return self._loop.settle() or moved

    def receive(self) -> bytes:
        """Take all that the leg sends, until nothing more comes."""
        received = bytearray()
        while True:
            data = self._read()
            received += data
            pushed = [peer._push() for peer in self._all_peers]
            if not data and not any(pushed) and not self._loop.settle():
                return bytes(received)
            self._loop.settle(0)

    def close(self) -> None:
        """Send end of file."""
        self.pump()
        self._say_goodbye()
        self.hang_up()

    def hang_up(self) -> None:
        """Shut down sending, below TLS where there is TLS."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)
        self._loop.settle()

    def reset(self) -> None:
        """Break the connection; unix sockets do so when they are closed with unread bytes."""
        if self._way is Way.UNIX:
            self._leg.transport.write(b"unread")
            self._loop.settle()
        else:
            linger = struct.pack("ii", 1, 0)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.vanish()

    def vanish(self) -> None:
        """Close the socket, unread bytes or not."""
        self._coming.clear()
        self.socket.close()
        self._loop.settle()

    def _push(self) -> bool:
        """Send from the first piece; False when there is no room, or nothing to send."""
        if not self._coming or self.socket.fileno() < 0:
            return False
        piece = self._coming[0]
        try:
            sent = self.socket.send(piece) if piece else 0
        except (BlockingIOError, ssl.SSLWantWriteError):
            return False
        except OSError:
            self._coming.clear()
            return False
        if sent < len(piece):
            self._coming[0] = piece[sent:]
        else:
            del self._coming[0]
        return True

    def _read(self) -> bytes:
        if self.socket.fileno() < 0:
            return b""
        try:
            data = self.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return b""
        except OSError:
            data = b""
        if not data and not self.ended:
            self.ended = True
            self._say_goodbye()
        return data

    def _say_goodbye(self) -> None:
        """Send a close alert, or answer one."""
        if isinstance(self.socket, ssl.SSLSocket):
            with suppress(ssl.SSLError, OSError):  # the answer to it is not waited for
                self.socket.unwrap()

    def _measure(self) -> None:
        self.most = max(self.most, unsent(self._leg.transport))

    def _be_accepted(self) -> socket.socket:
        factory: Any = _Once(self._leg)
        if self._way is Way.TLS:
            factory = TLSMemoryBIOFactory(_server_options(), False, factory, self._loop)
        if self._way is Way.PROXY:
            factory = ProxyHeaderFactory(factory)
        if self._way is Way.UNIX:
            path = tempfile.mktemp(prefix="wire-")
            port: Any = self._loop.listenUNIX(path, factory)
            ours = socket.socket(socket.AF_UNIX)
            address: Any = path
        else:
            port = self._loop.listenTCP(0, factory, interface="127.0.0.1")
            ours = socket.socket()
            address = ("127.0.0.1", port.getHost().port)
        _shrink(port.socket)
        _shrink(ours)
        ours.connect(address)
        ours.setblocking(False)
        self._loop.until(lambda: self._leg.transport is not None)
        port.stopListening()
        _shrink(_raw(self._leg.transport).socket)
        if self._way is Way.PROXY:
            ours.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 6081\r\n")
        return ours

    def _accept(self) -> socket.socket:
        factory: Any = _Once(self._leg)
        if self._way is Way.TLS:
            factory = TLSMemoryBIOFactory(_client_options(), True, factory, self._loop)
        listener = socket.socket(socket.AF_UNIX if self._way is Way.UNIX else socket.AF_INET)
        path = tempfile.mktemp(prefix="wire-")
        listener.bind(path if self._way is Way.UNIX else ("127.0.0.1", 0))
        listener.listen()
        _shrink(listener)
        if self._way is Way.UNIX:
            self._loop.connectUNIX(path, factory)
        else:
            self._loop.connectTCP("127.0.0.1", listener.getsockname()[1], factory)
        self._loop.until(lambda: self._leg.transport is not None)
        ours, _ = listener.accept()
        listener.close()
        if self._way is Way.UNIX:
            os.unlink(path)
        ours.setblocking(False)
        _shrink(ours)
        _shrink(_raw(self._leg.transport).socket)
        return ours

    def _start_tls(self, accepted: bool) -> None:
        """Begin TLS as a transport does it itself, on this reactor's clock."""
        clock = twisted_tls._get_default_clock
        twisted_tls._get_default_clock = lambda: self._loop
        try:
            self._leg.transport.startTLS(_server_options() if accepted else _client_options())
        finally:
            twisted_tls._get_default_clock = clock

    def _shake_hands(self, as_client: bool) -> None:
        _, certificate, key = _certificates()
        if as_client:
            context = ssl.create_default_context(cafile=certificate)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(
            self.socket, server_side=not as_client, do_handshake_on_connect=False
        )
        self._loop.until(self._has_shaken_hands)

    def _has_shaken_hands(self) -> bool:
        assert isinstance(self.socket, ssl.SSLSocket)
        try:
            self.socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True


def unsent(transport: Any) -> int:
    """Return how many bytes wait in a leg's transport; none where it is lost."""
    if transport is None:
        return 0
    if isinstance(transport, Pump):
        return len(transport._pending)
    raw = _raw(transport)
    return int(len(raw.dataBuffer) - raw.offset + raw._tempDataLen)


def _raw(transport: Any) -> Any:
    if isinstance(transport, ProxyHeader):
        return transport.transport
    if isinstance(transport, twisted_tls.TLSMemoryBIOProtocol):
        return transport.transport
    return transport


def _shrink(connection: socket.socket) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        connection.setsockopt(socket.SOL_SOCKET, option, SMALL_BUFFER)
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _server_options() -> Any:
    _, certificate, key = _certificates()
    return PrivateCertificate.loadPEM(
        Path(certificate).read_text() + Path(key).read_text()
    ).options()


def _client_options() -> Any:
    folder, _, _ = _certificates()
    authority = Certificate.loadPEM((folder / "ca.pem").read_bytes())
    return optionsForClientTLS("localhost", authority)


class WireTestCase(SynchronousTestCase):
    """Tests with a loop of their own, which must be left as it was found."""

    def setUp(self) -> None:
        super().setUp()
        self.loop = Loop()
        self.peers: list[SocketPeer] = []
        self.addCleanup(self._close_loop)

    def peer(self, leg: Leg, way: Way, accepted: bool) -> SocketPeer:
        """Connect a leg."""
        peer = SocketPeer(self.loop, leg, way, accepted, self.peers)
        self.peers.append(peer)
        return peer

    def hang_up_all(self) -> None:
        """Let all peers vanish, and the legs notice it."""
        for peer in self.peers:
            peer.vanish()
            peer._leg.resume()
        for peer in self.peers:
            transport = peer._leg.transport
            if not peer._leg.closed.called:
                transport.abortConnection()
        self.loop.settle()
        self.peers.clear()

    def _close_loop(self) -> None:
        self.hang_up_all()
        left, calls = self.loop.removeAll(), self.loop.getDelayedCalls()
        for reader in self.loop._internalReaders:
            reader.connectionLost(None)
        self.loop._poller.close()
        self.assertEqual((left, calls), ([], []))
