"""What is said about addresses that sentinels name, without a sentinel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.redis import RedisSettings
from vncproxy.errors import StoreUnavailable
from vncproxy.redis.sentinel import Address, Sentinel
from vncproxy.redis.sentinel_reports import SentinelReport, ask_all


class NamingSentinel(Sentinel):
    """Names a primary, and permits no other question."""

    def __init__(self, address: str, named: Address) -> None:
        settings = RedisSettings(sentinels=(address,), master="console").of_sentinel(address)
        super().__init__(MemoryReactorClock(), settings, "console", 1.0)
        self._named = named

    async def primary(self) -> Address | None:
        return self._named

    async def ask(self, *words: str) -> Any:
        raise StoreUnavailable(f"sentinel at {self.address} denies a permission (NOPERM)")


class AddressTests(SynchronousTestCase):
    def reports(self, *named: tuple[str, str]) -> Sequence[SentinelReport]:
        """Return the reports of sentinels, given as where each is and which host it names."""
        sentinels = [NamingSentinel(where, (host, 6379)) for where, host in named]
        asking = Deferred.fromCoroutine(ask_all(sentinels, "console", 0))
        found: Sequence[SentinelReport] = self.successResultOf(asking)
        return found

    def test_loopback_that_a_sentinel_elsewhere_names(self) -> None:
        for host in ("127.0.0.1", "localhost", "::1"):
            with self.subTest(host=host):
                ((_, text, advice),) = self.reports(("192.0.2.11", host))
                self.assertIn(", which is this machine itself for every proxy", text)
                self.assertIn("replica-announce-ip", advice)

    def test_loopback_that_a_sentinel_on_this_machine_names(self) -> None:
        ((_, text, advice),) = self.reports(("127.0.0.1", "127.0.0.1"))
        self.assertEqual((text, advice), ("names 127.0.0.1:6379", ""))

    def test_the_one_that_differs_from_most_is_at_fault(self) -> None:
        reports = self.reports(
            ("192.0.2.11", "192.0.2.1"), ("192.0.2.12", "192.0.2.2"), ("192.0.2.13", "192.0.2.1")
        )
        self.assertEqual([bool(advice) for _, _, advice in reports], [False, True, False])
        self.assertIn("most of the others another one", reports[1].text)

    def test_an_address_of_ipv6(self) -> None:
        ((where, text, _),) = self.reports(("[2001:db8::11]:26380", "2001:db8::1"))
        self.assertEqual((where, text), ("[2001:db8::11]:26380", "names [2001:db8::1]:6379"))
