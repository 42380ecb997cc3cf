"""Listeners that are paused leave connections to the kernel, and take them in later."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from vncproxy.accepting import Accepting


class _Counting(Factory):
    protocol = Protocol

    def __init__(self) -> None:
        self.came = 0
        self.noisy = False
        self.first: Deferred[None] = Deferred()

    def buildProtocol(self, addr: object) -> Protocol:
        self.came += 1
        if not self.first.called:
            self.first.callback(None)
        return Protocol()


class AcceptingTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.accepting, self.factory = Accepting(), _Counting()

    async def listen(self, endpoint: str) -> str:
        """Listen, and return the endpoint string of a client."""
        server = serverFromString(self.accepting.reactor(reactor), endpoint)
        port = await server.listen(self.factory)
        self.addCleanup(port.stopListening)
        host = port.getHost()
        return (
            f"tcp:127.0.0.1:{host.port}"
            if hasattr(host, "port")
            else f"unix:{os.fsdecode(host.name)}"
        )

    async def connect(self, client: str) -> None:
        connection = await clientFromString(reactor, client).connect(Factory.forProtocol(Protocol))
        self.addCleanup(connection.transport.abortConnection)

    async def test_connection_waits_in_the_kernel(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        for endpoint in ("tcp:0:interface=127.0.0.1", f"unix:{folder}/s"):
            self.factory = _Counting()
            client = await self.listen(endpoint)
            self.accepting.pause(True)
            await self.connect(client)
            await deferLater(reactor, 0.05)
            self.assertEqual(self.factory.came, 0)
            self.accepting.pause(False)
            await self.factory.first
            self.assertEqual(self.factory.came, 1)

    async def test_listener_that_begins_meanwhile_is_paused(self) -> None:
        self.accepting.pause(True)
        await self.connect(await self.listen("tcp:0:interface=127.0.0.1"))
        await deferLater(reactor, 0.05)
        self.assertEqual(self.factory.came, 0)

    async def test_listener_that_stopped_stays_so(self) -> None:
        server = serverFromString(self.accepting.reactor(reactor), "tcp:0:interface=127.0.0.1")
        port = await server.listen(self.factory)
        self.accepting.pause(True)
        await port.stopListening()
        self.accepting.pause(False)
        self.assertFalse(port.connected)
