"""TCP in memory whose protocol can start TLS as its server, and the viewer's side of that TLS."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IProtocol,
    IPushProducer,
    ISSLTransport,
    ITLSTransport,
)
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import alsoProvides, implementer

from vncproxy.testing import MemoryPeer


@implementer(ITLSTransport)
class StartTLSPeer(MemoryPeer):  # type: ignore[override]  # its address may be any
    """The other end of a connection on which the protocol may start TLS."""

    def __init__(self, protocol: IProtocol, address: IAddress | None = None) -> None:
        self._tls: Any = None
        super().__init__(protocol, address=address)

    @property
    def started_tls(self) -> bool:
        """Whether the protocol has started TLS."""
        return self._tls is not None

    def startTLS(self, contextFactory: Any, normal: bool = True) -> None:
        """Put TLS between the connection and its protocol; called by the protocol."""
        producer = self._producer
        self.unregisterProducer()
        factory = TLSMemoryBIOFactory(contextFactory, False, None, Clock())  # type: ignore[arg-type]
        tls = TLSMemoryBIOProtocol(factory, self._protocol, False)
        assert IHandshakeListener.providedBy(self._protocol)
        self._protocol, self._tls = tls, tls
        alsoProvides(self, ISSLTransport)
        tls.makeConnection(_Below(self))
        if producer is not None:
            tls.registerProducer(producer, True)

    def write(self, data: bytes) -> None:
        """Send bytes of the protocol."""
        self._tls.write(data) if self._tls else super().write(data)

    def loseConnection(self) -> None:
        """Close; called by the protocol."""
        self._tls.loseConnection() if self._tls else super().loseConnection()

    def close(self, why: Exception | None = None) -> None:
        """Close, for the protocol's own reason if there is one."""
        self._coming.append(Failure(why or ConnectionDone()))
        if why is None:
            self.pump()

    def unregisterProducer(self) -> None:
        """Remove the producer."""
        self._tls.unregisterProducer() if self._tls else super().unregisterProducer()


class _Below:
    """The connection as TLS sees it."""

    def __init__(self, peer: StartTLSPeer) -> None:
        self._peer = peer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)

    def write(self, data: bytes) -> None:
        MemoryPeer.write(self._peer, data)

    def loseConnection(self) -> None:
        MemoryPeer.loseConnection(self._peer)

    def abortConnection(self) -> None:
        """Close, when the caller has returned: TLS goes on after this call."""
        self._peer.close(ConnectionAborted())

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        MemoryPeer.registerProducer(self._peer, producer, streaming)

    def unregisterProducer(self) -> None:
        MemoryPeer.unregisterProducer(self._peer)


class TLSClient:
    """TLS of a viewer on a `StartTLSPeer`.

    Args:
        ca_file: the authority that is trusted.
        version: the only version of TLS; None for any.
    """

    def __init__(
        self, peer: MemoryPeer, ca_file: str, version: ssl.TLSVersion | None = None
    ) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        if version is not None:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        self._peer = peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.connection = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname="localhost"
        )

    def shake_hands(self) -> None:
        """Finish the handshake.

        Raises:
            ssl.SSLError: it fails.
        """
        while True:
            try:
                self.connection.do_handshake()
            except ssl.SSLWantReadError:
                if not self._carry():
                    raise
            except ssl.SSLError:
                self._send()
                raise
            else:
                break
        self._carry()

    def send(self, *pieces: bytes) -> None:
        """Send bytes, each piece in a record of its own."""
        for piece in pieces:
            self.connection.write(piece)
            self._send()

    def receive(self) -> bytes:
        """Return what has come."""
        self._carry()
        found = b""
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while data := self.connection.read(65536):
                found += data
        return found

    def close(self) -> None:
        """Answer the close alert, or send one."""
        with suppress(ssl.SSLError):
            self.connection.unwrap()
        self._send()
        self._peer.receive()

    def _send(self) -> None:
        if data := self._outgoing.read():
            self._peer.send(data)

    def _carry(self) -> int:
        """Carry bytes both ways; returns how many came."""
        self._send()
        return self._incoming.write(self._peer.receive())
