"""When orders count as read, before Redis has answered at all."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cluster.following import FRESH, OrderStream
from vncproxy.cluster.keys import ClusterKeys
from vncproxy.errors import StoreUnavailable


class SilentLink:
    """A connection to a Redis that does not answer."""

    async def run(self, *_: object) -> Any:
        await Deferred()


class StartTests(SynchronousTestCase):
    def test_a_process_that_was_slow_to_start_has_missed_nothing(self) -> None:
        clock, link, unused = Clock(), SilentLink(), None
        given: Any = (link, ClusterKeys("vncproxy:"), unused, unused, clock)
        stream = OrderStream(*given)
        clock.advance(10)

        stream.start()
        self.addCleanup(stream.stop)

        self.assertIsNone(stream.refusal())
        clock.advance(FRESH)
        self.assertIsInstance(stream.refusal(), StoreUnavailable)
