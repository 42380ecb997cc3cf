"""The metrics of a whole proxy, and how they are named."""

from __future__ import annotations

import re

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.metrics import Registry
from vncproxy.service.figures import ProxyMetrics

_NAME = re.compile(r"(vncproxy|process)(_[a-z]+)+")
_BASE_UNITS = ("_seconds", "_bytes")


class ProxyMetricsTests(SynchronousTestCase):
    def test_names_follow_the_conventions(self) -> None:
        registry = Registry()
        ProxyMetrics(registry, Clock())

        for family in registry.collect():
            self.assertRegex(family.name, _NAME)
            self.assertTrue(family.documentation.endswith("."), family.name)
            if family.type == "histogram":
                self.assertTrue(family.name.endswith(_BASE_UNITS), family.name)
