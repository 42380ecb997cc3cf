"""Listening sockets: bound by the supervisor, adopted by workers."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from vncproxy.config.settings import Listen
from vncproxy.downstream.tls_listener import listener_service
from vncproxy.errors import ConfigurationError
from vncproxy.supervisor.inherited import InheritedListeners
from vncproxy.supervisor.sockets import ListeningSockets, endpoints_of

reactor: Any = installed


class Greeting(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello")
        self.transport.loseConnection()


class SharedTests(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.endpoints = ("tcp:0:interface=127.0.0.1", f"unix:{self.path}")
        self.sockets = ListeningSockets(self.endpoints, reactor)
        self.sockets.startService()
        self.factory: Any = Factory.forProtocol(Greeting)

    def tearDown(self) -> Any:
        return self.sockets.stopService()

    def worker(self) -> list[Any]:
        """Listen as a worker does; returns its services."""
        copies = [(name, os.dup(number)) for name, number in self.sockets.descriptors()]
        listeners = InheritedListeners(copies)
        listeners.check(self.endpoints)
        services = []
        for endpoint in self.endpoints:
            text, adopting = listeners.take(endpoint, reactor)
            services.append(listener_service(text, self.factory, adopting)[0])
        for service in services:
            service.startService()
        return services

    def connect(self) -> list[bytes]:
        """Connect to both; called in a thread."""
        (_, number), _ = self.sockets.descriptors()
        with socket.socket(fileno=os.dup(number)) as bound:
            address = bound.getsockname()
        return [greeted(socket.AF_INET, address), greeted(socket.AF_UNIX, str(self.path))]

    async def until_stopped(self, services: list[Any]) -> None:
        for service in services:
            await service.stopService()
        await deferLater(reactor, 0)

    def test_sockets_go_on_when_a_worker_ends(self) -> Deferred[None]:
        async def work() -> None:
            first, second = self.worker(), self.worker()
            self.assertEqual(await deferToThread(self.connect), [b"hello"] * 2)

            await self.until_stopped(first)

            self.assertTrue(self.path.exists())
            self.assertEqual(await deferToThread(self.connect), [b"hello"] * 2)
            await self.until_stopped(second)

        return Deferred.fromCoroutine(work())

    def test_connections_wait_for_a_worker(self) -> Deferred[None]:
        async def work() -> None:
            waiting = deferToThread(self.connect)
            await deferLater(reactor, 0.1)

            services = self.worker()

            self.assertEqual(await waiting, [b"hello"] * 2)
            await self.until_stopped(services)

        return Deferred.fromCoroutine(work())


def greeted(family: int, address: Any) -> bytes:
    with socket.socket(family) as connection:
        connection.settimeout(30)
        connection.connect(address)
        return connection.recv(16)


class EndpointTests(SynchronousTestCase):
    def test_tls_is_left_to_workers(self) -> None:
        """The files are not there, and nothing reads them."""
        text = r"ssl:0:interface=\:\:1:privateKey=/nowhere.pem:backlog=7"
        sockets = ListeningSockets([text], reactor)

        self.assertEqual(len(list(sockets)), 1)

    def test_all_kinds_of_listeners_are_bound_without_wrapper(self) -> None:
        listen = Listen(web=("haproxy:tcp:1",), xvp=("tcp:2",), api=("unix:/x",))

        self.assertEqual(endpoints_of(listen), ("tcp:1", "tcp:2", "unix:/x"))

    def test_other_listeners_need_a_restart(self) -> None:
        listeners = InheritedListeners([("tcp:1", 3), ("tcp:2", 4)])

        listeners.check(["tcp:2", "tcp:1"])
        for others in (["tcp:1"], ["tcp:1", "tcp:3"], ["tcp:1", "tcp:2", "tcp:3"]):
            with self.assertRaisesRegex(ConfigurationError, "restart the proxy"):
                listeners.check(others)
