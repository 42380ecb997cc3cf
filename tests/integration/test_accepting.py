"""Connections that waited in the kernel: which of them are served while users wait."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.components.certificates import Authority
from vncproxy.downstream import accepting
from vncproxy.downstream.accepting import Accepting


class Counting(Factory):
    """A server that greets; ``noisy`` is Twisted's own word."""

    protocol = Protocol
    noisy = False
    came = 0

    def late_refusal(self) -> bytes:
        return b"come again"

    def buildProtocol(self, addr: object) -> Protocol:
        self.came += 1
        return Greeting()


class Greeting(Protocol):
    def connectionMade(self) -> None:
        cast(Any, self.transport).write(b"hello")


class Client(Protocol):
    """Keeps what it receives, until the end."""

    def __init__(self) -> None:
        self.heard = b""
        self.first: Deferred[None] = Deferred()
        self.over: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        if not self.first.called:
            self.first.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(None)


def sleep(seconds: float) -> Deferred[None]:
    return deferLater(reactor, seconds)


class WaitingTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.factory, self.busy = Counting(), True
        self.accepting = Accepting(lambda: self.busy, cast(Any, reactor))

    async def listen(self, endpoint: str = "tcp:0:interface=127.0.0.1") -> None:
        server = serverFromString(self.accepting.reactor(reactor), endpoint)
        port = await server.listen(self.factory)
        self.addCleanup(port.stopListening)
        host: Any = port.getHost()
        tcp = hasattr(host, "port")
        self.there = f"tcp:127.0.0.1:{host.port}" if tcp else f"unix:{os.fsdecode(host.name)}"

    async def connect(self, says: bytes = b"GET / HTTP/1.1\r\n\r\n") -> Client:
        client: Any = await clientFromString(reactor, self.there).connect(
            Factory.forProtocol(Client)
        )
        self.addCleanup(client.transport.abortConnection)
        client.transport.write(says)
        return cast(Client, client)

    async def test_connection_waits_in_the_kernel_and_is_served(self) -> None:
        for endpoint in ("tcp:0:interface=127.0.0.1", f"unix:{self.folder}/s"):
            self.factory = Counting()
            await self.listen(endpoint)
            self.accepting.pause(True)
            client = await self.connect()
            await sleep(0.05)
            self.assertEqual((self.factory.came, client.heard), (0, b""))
            self.accepting.pause(False)
            await client.first
            self.assertEqual(client.heard, b"hello")

    async def test_all_are_served_however_few_in_a_round(self) -> None:
        await self.listen()
        clients = [await self.connect() for _ in range(30)]
        for client in clients:
            await client.first
        self.assertEqual(self.factory.came, 30)

    async def test_client_that_left_meanwhile_is_no_connection(self) -> None:
        await self.listen()
        self.accepting.pause(True)
        gone = await self.connect()
        cast(Any, gone.transport).loseConnection()
        await gone.over
        self.accepting.pause(False)
        await (await self.connect()).first
        self.assertEqual(self.factory.came, 1)

    async def test_client_that_has_waited_too_long_is_told_to_come_again(self) -> None:
        self.patch(accepting, "TOO_LONG", 0.1)
        await self.listen()
        self.accepting.pause(True)
        for says in (b"GET / HTTP/1.1\r\n\r\n", b""):
            client = await self.connect(says)
            await sleep(0.2)
            self.accepting.pause(False)
            await client.over
            self.assertEqual(client.heard, b"come again")
            self.accepting.pause(True)
        self.assertEqual(self.factory.came, 0)

    async def test_after_any_time_all_are_served_when_none_waits(self) -> None:
        self.patch(accepting, "TOO_LONG", 0.1)
        await self.listen()
        self.accepting.pause(True)
        client = await self.connect()
        await sleep(0.2)
        self.busy = False
        self.accepting.pause(False)
        await client.first
        self.assertEqual(client.heard, b"hello")

    async def test_tls_is_not_begun_with_a_client_that_has_waited_too_long(self) -> None:
        self.patch(accepting, "TOO_LONG", 0.1)
        certificate, key = Authority(self.folder).issue("localhost")
        await self.listen(f"ssl:0:interface=127.0.0.1:certKey={certificate}:privateKey={key}")
        self.accepting.pause(True)
        client = await self.connect(b"\x16\x03\x01")
        await sleep(0.2)
        self.accepting.pause(False)
        await client.over
        self.assertEqual((client.heard, self.factory.came), (b"", 0))

    async def test_factory_that_takes_no_more_is_obeyed(self) -> None:
        await self.listen()
        self.patch(self.factory, "buildProtocol", lambda addr: None)
        client = await self.connect()
        await client.over
        self.assertEqual(client.heard, b"")
