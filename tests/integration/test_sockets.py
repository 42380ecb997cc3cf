"""What is set on real sockets, on loopback."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tests.components.certificates import Authority
from vncproxy.relay.sockets import set_socket_options


class _Tuned(Protocol):
    made: Deferred[Any]

    def connectionMade(self) -> None:
        set_socket_options(self.transport)  # type: ignore[arg-type]
        self.made.callback(self.transport)


def options(connection: socket.socket) -> list[int]:
    return [
        connection.getsockopt(level, option)
        for level, option in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
        )
    ]


TUNED = [1, 1, 60, 15, 4, 120_000]


class TuneTests(TestCase):
    async def accepted(self, listen: str, connect: str) -> Any:
        """Return both transports of one connection."""
        _Tuned.made = Deferred()
        factory = Factory.forProtocol(_Tuned)
        factory.noisy = False
        port = await serverFromString(reactor, listen).listen(factory)
        self.addCleanup(port.stopListening)
        number = getattr(port.getHost(), "port", 0)
        client = Factory.forProtocol(Protocol)
        client.noisy = False
        theirs = await clientFromString(reactor, connect.format(port=number)).connect(client)
        self.addCleanup(lambda: theirs.transport.abortConnection())
        transport = await _Tuned.made
        self.addCleanup(transport.abortConnection)
        return transport, theirs.transport

    async def test_tcp(self) -> None:
        ours, theirs = await self.accepted("tcp:0:interface=127.0.0.1", "tcp:127.0.0.1:{port}")
        self.assertNotEqual(options(theirs.getHandle()), TUNED)

        self.assertEqual(options(ours.getHandle()), TUNED)

    async def test_ipv6(self) -> None:
        ours, _ = await self.accepted(r"tcp6:0:interface=\:\:1", r"tcp:\:\:1:{port}")

        self.assertEqual(options(ours.getHandle()), TUNED)

    async def test_the_socket_below_tls(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        certificate, key = Authority(folder).issue("localhost")
        ours, _ = await self.accepted(
            f"ssl:0:interface=127.0.0.1:certKey={certificate}:privateKey={key}",
            "tcp:127.0.0.1:{port}",
        )

        self.assertEqual(options(ours.socket), TUNED)

    async def test_a_unix_socket_has_nothing_to_set(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)

        await self.accepted(f"unix:{folder}/s", f"unix:{folder}/s")
