from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.metrics import Registry
from vncproxy.metrics.lag import INTERVAL, ReactorLag


class ReactorLagTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry, self.clock = Registry(), Clock()
        self.lag = ReactorLag(self.registry, self.clock)

    def value(self, part: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"vncproxy_reactor_lag_seconds_{part}", labels)

    def test_late_timers_are_measured(self) -> None:
        self.lag.start()
        self.clock.advance(INTERVAL)
        self.clock.advance(INTERVAL + 0.3)

        self.assertEqual(self.value("count"), 2)
        self.assertAlmostEqual(self.value("sum") or 0, 0.3)
        self.assertEqual(self.value("bucket", le="0.25"), 1)
        self.assertEqual(self.value("bucket", le="0.5"), 2)

    def test_stopping_leaves_no_timer(self) -> None:
        self.lag.start()
        self.lag.stop()

        self.assertEqual(self.clock.getDelayedCalls(), [])
