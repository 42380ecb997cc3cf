from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from vncproxy.config.settings import Proxy, Settings
from vncproxy.errors import BackendError
from vncproxy.interfaces import IKnowsHosts
from vncproxy.model import MachineHost
from vncproxy.service.served_hosts import INTERVAL, INTERVAL_UNKNOWN, ServedHosts


@implementer(IKnowsHosts)
class Backend:
    """A backend with hosts, or with a failure."""

    def __init__(self) -> None:
        self.hosts: list[str] | BackendError = ["node1"]
        self.asked = 0

    async def host_of(self, vm: str) -> MachineHost:
        raise AssertionError("it is asked for its own hosts only")

    async def own_hosts(self) -> Sequence[str]:
        self.asked += 1
        if isinstance(self.hosts, BackendError):
            raise self.hosts
        return self.hosts


class ServedHostsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.backend, self.changes = Clock(), Backend(), 0
        self.settings = Settings(proxy=Proxy(serves="auto"))
        self.served = ServedHosts(
            lambda: self.settings,
            lambda: {"kvm": self.backend, "lab": object()},  # type: ignore[dict-item]
            self.clock,
        )
        self.served.on_change = self.changed
        self.addCleanup(self.served.stop)

    def changed(self) -> None:
        self.changes += 1

    def test_what_is_written(self) -> None:
        values: list[Any] = [("all", None), ((), ()), (("a", "b"), ("a", "b"))]
        for serves, names in values:
            self.settings = Settings(proxy=Proxy(serves=serves))
            self.served.start()
            self.assertEqual(self.served.names(), names)
        self.assertEqual(self.backend.asked, 0)

    def test_auto_is_no_host_until_a_backend_has_answered(self) -> None:
        self.backend.hosts = BackendError("away")
        self.served.start()
        self.assertEqual((self.served.names(), self.changes), ((), 0))

        self.backend.hosts = ["node1"]
        self.clock.advance(INTERVAL_UNKNOWN)

        self.assertEqual((self.served.names(), self.changes), (("node1",), 1))

    def test_what_is_known_stays_while_a_backend_is_away(self) -> None:
        self.served.start()
        self.backend.hosts = BackendError("away")
        self.clock.advance(INTERVAL_UNKNOWN + INTERVAL)
        self.assertEqual(self.served.names(), ("node1",))

    def test_a_cluster_may_get_another_host(self) -> None:
        self.served.start()
        self.backend.hosts = ["node1", "node2"]
        self.clock.advance(INTERVAL_UNKNOWN)
        self.clock.advance(INTERVAL)
        self.assertEqual((self.served.names(), self.changes), (("node1", "node2"), 2))

    def test_a_reload_begins_and_ends_it(self) -> None:
        self.settings = Settings()
        self.served.start()
        self.settings = Settings(proxy=Proxy(serves="auto"))
        self.served.start()
        self.assertEqual(self.served.names(), ("node1",))
        self.settings = Settings()
        self.clock.advance(INTERVAL)
        asked = self.backend.asked
        self.clock.advance(INTERVAL)
        self.assertEqual((self.served.names(), self.backend.asked), (None, asked))
