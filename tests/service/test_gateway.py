"""How the proxy starts and stops."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.blocking import BoundedCalls
from vncproxy.config.load import Settings
from vncproxy.downstream.accepting import Accepting
from vncproxy.errors import ConfigurationError, OverLimit
from vncproxy.model import Limits
from vncproxy.service.announced import proxy_name
from vncproxy.service.components import CLOSE_TIME, Components
from vncproxy.service.gateway import Gateway
from vncproxy.tap import make_service
from vncproxy.testing import MemoryPeer, StaticConsoles
from vncproxy.tokens.memory import MemoryTokenStore


class Reactor(MemoryReactorClock):
    """Listens in memory; an address in ``taken`` is in use."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: set[int] = set()

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        if port in self.taken:
            raise CannotListenError(interface, port, OSError("in use"))
        return super().listenTCP(port, factory, backlog, interface)


class Backend(StaticConsoles):
    """A backend whose closing can fail or hang."""

    def __init__(self) -> None:
        super().__init__()
        self.hang: Deferred[None] | None = None
        self.fail: Exception | None = None

    async def close(self) -> None:
        if self.hang is not None:
            await self.hang
        if self.fail is not None:
            raise self.fail
        await super().close()


class GatewayTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.first, self.second = Backend(), Backend()
        threads: Any = self.reactor  # none is ever called from
        self.calls = BoundedCalls(self.reactor, threads)
        self.addCleanup(self.calls.close)

    def make(self, settings: Settings | None = None) -> Gateway:
        store = MemoryTokenStore(self.reactor.seconds, 0, self.reactor.seconds)
        components = Components(store, {"a": self.first, "b": self.second}, self.calls)
        return make_service(settings or Settings(), self.reactor, components)

    def start(self, gateway: Gateway) -> None:
        gateway.privilegedStartService()
        gateway.startService()

    def listening(self) -> list[tuple[int, str]]:
        return [(port, interface) for port, _, _, interface in self.reactor.tcpServers]

    def test_it_listens_for_users_and_for_the_api_on_loopback_only(self) -> None:
        self.start(self.make())

        self.assertEqual(self.listening(), [(6080, ""), (6081, ""), (6082, "127.0.0.1")])

    def test_without_a_backend_the_log_says_that_nothing_can_be_shown(self) -> None:
        said: list[LogEvent] = []

        def observe(event: LogEvent) -> None:
            if event["log_level"] is not LogLevel.info:
                said.append(event)

        self.patch(Gateway, "log", Logger(observer=cast(ILogObserver, observe)))
        self.start(self.make())
        self.assertEqual(said, [])

        components = Components(
            MemoryTokenStore(self.reactor.seconds, 0, self.reactor.seconds), {}, self.calls
        )
        self.start(make_service(Settings(), self.reactor, components))

        self.assertEqual(
            [formatEvent(event) for event in said],
            ["no backend is configured, so there is no console to show"],
        )

    def test_twist_starts_it_without_privileges(self) -> None:
        self.make().startService()

        self.assertEqual([port for port, _ in self.listening()], [6080, 6081, 6082])

    def test_an_address_that_cannot_be_had_is_one_sentence(self) -> None:
        self.reactor.taken = {6081}
        for start in (Gateway.privilegedStartService, Gateway.startService):
            with self.assertRaises(SystemExit) as caught:
                start(self.make())

            self.assertEqual(
                str(caught.exception.code), "vncproxy: Couldn't listen on any:6081: in use."
            )

    def test_a_certificate_that_is_missing_is_an_error_of_the_configuration(self) -> None:
        web = ("ssl:6080:privateKey=/no/such.pem",)
        listen = Settings().listen.model_copy(update={"web": web})

        with self.assertRaises(ConfigurationError) as caught:
            self.make(Settings().model_copy(update={"listen": listen}))

        self.assertIn("[listen] ssl:6080:privateKey=/no/such.pem: ", str(caught.exception))

    def test_an_audit_file_that_cannot_be_written_is_one_too(self) -> None:
        log = Settings().log.model_copy(update={"audit": "/no/such/file"})

        with self.assertRaises(ConfigurationError) as caught:
            self.make(Settings().model_copy(update={"log": log}))

        self.assertIn("/no/such/file cannot be written", str(caught.exception))

    def test_a_proxy_is_called_as_configured_or_as_its_host(self) -> None:
        named = Settings().proxy.model_copy(update={"name": "proxy-1"})

        self.assertEqual(proxy_name(Settings()), socket.gethostname())
        self.assertEqual(proxy_name(Settings().model_copy(update={"proxy": named})), "proxy-1")

    def test_stopping_refuses_new_sessions_and_closes_everything(self) -> None:
        gateway = self.make()
        self.start(gateway)

        self.successResultOf(gateway.stopService())

        self.assertTrue(gateway.sessions.draining)
        self.assertTrue(self.first.closed and self.second.closed)

    def test_what_drains_answers_itself_though_other_workers_seem_to_have_room(self) -> None:
        for empty in (Gateway.drain, Gateway.finish):
            gateway = self.make()
            self.start(gateway)
            pauses: list[bool] = []
            self.patch(Accepting, "pause", lambda _, paused, why: pauses.append(paused))  # noqa: B023
            self.patch(gateway.sessions, "other_refusal", OverLimit)
            gateway.siblings.update(have_room=True)
            self.assertTrue(gateway._running.sites.room_elsewhere())

            empty(gateway)

            self.assertFalse(gateway._running.sites.room_elsewhere())
            self.assertEqual((pauses[0], pauses[-1]), (True, False))

    def ask_api(self, gateway: Gateway) -> tuple[MemoryPeer, Deferred[None]]:
        """Ask for readiness; returns also what the answer waits for."""
        checked: Deferred[None] = Deferred()

        async def check() -> None:
            await checked

        self.patch(gateway.components.store, "check", check)
        peer = self.connect(-1)
        peer.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        return peer, checked

    def connect(self, server: int) -> MemoryPeer:
        """Connect to one of the listeners, in their order."""
        address = IPv4Address("TCP", "192.0.2.1", 50000)
        protocol = self.reactor.tcpServers[server][1].buildProtocol(address)
        assert protocol is not None
        return MemoryPeer(protocol)

    def test_a_connection_that_is_kept_alive_is_not_cut_off_by_an_upgrade(self) -> None:
        gateway = self.make(Settings(limits=Limits(header_time=5, keep_alive=30)))
        self.start(gateway)
        user = self.connect(0)
        user.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn(b"HTTP/1.1 200 ", user.receive())

        ended = gateway.retire()
        self.reactor.pump([0.5] * 50)
        self.assertIsNone(user.closed)
        user.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")

        head = user.receive()
        self.assertIn(b"HTTP/1.1 200 ", head)
        self.assertIn(b"connection: close", head.lower())
        user.pump()
        self.reactor.advance(0.1)
        self.successResultOf(ended)

    def test_a_request_to_the_api_is_answered_before_a_worker_ends(self) -> None:
        for end in (Gateway.retire, Gateway.stopService):
            gateway = self.make()
            self.start(gateway)
            peer, checked = self.ask_api(gateway)

            ended = end(gateway)
            self.reactor.pump([0.1] * 10)
            self.assertNoResult(ended)
            checked.callback(None)
            head = peer.receive()
            peer.pump()
            self.reactor.advance(0.1)

            self.assertIn(b"HTTP/1.1 ", head)
            self.assertIn(b"connection: close", head.lower())
            self.assertIsNotNone(peer.closed)
            self.successResultOf(ended)

    def test_a_stop_does_not_wait_long_for_an_answer_of_the_api(self) -> None:
        gateway = self.make()
        self.start(gateway)
        self.ask_api(gateway)
        stopped = gateway.stopService()

        self.reactor.advance(2 * Settings().timeouts.linger)

        self.successResultOf(stopped)

    def test_sessions_end_before_their_backends(self) -> None:
        gateway = self.make()
        self.start(gateway)
        over: Deferred[None] = Deferred()

        async def stop() -> None:
            await over

        self.patch(gateway.sessions, "stop", stop)
        stopped = gateway.stopService()
        self.assertEqual((self.first.closed, self.second.closed), (False, False))

        over.callback(None)

        self.successResultOf(stopped)
        self.assertTrue(self.first.closed and self.second.closed)

    def test_a_backend_that_cannot_close_stops_no_other(self) -> None:
        gateway = self.make()
        self.start(gateway)
        self.first.fail = RuntimeError("broken")

        self.successResultOf(gateway.stopService())

        self.assertTrue(self.second.closed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_backends_that_hang_are_left_behind_all_at_once(self) -> None:
        gateway = self.make()
        self.start(gateway)
        self.first.hang, self.second.hang = Deferred(), Deferred()
        stopped = gateway.stopService()
        self.assertNoResult(stopped)

        self.reactor.advance(CLOSE_TIME)

        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors()), 2)
