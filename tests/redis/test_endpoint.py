"""How the address in the settings is dialled."""

from __future__ import annotations

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.redis import RedisSettings
from vncproxy.redis.endpoint import redis_endpoint


class AddressTests(SynchronousTestCase):
    def dialled(self, host: str) -> list[tuple[str, int]]:
        """Return what is dialled at once, without a turn of the reactor and without its threads."""
        reactor = MemoryReactorClock()
        settings = RedisSettings(host=host, port=6380)
        redis_endpoint(reactor, settings).connect(Factory.forProtocol(Protocol))
        return [(host, port) for host, port, *_ in reactor.tcpClients]

    def test_an_address_needs_no_resolver(self) -> None:
        self.assertEqual(self.dialled("192.0.2.5"), [("192.0.2.5", 6380)])
        self.assertEqual(self.dialled("2001:db8::5"), [("2001:db8::5", 6380)])
