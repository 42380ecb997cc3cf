"""Descriptors are counted for each process of a proxy."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.check import descriptors
from vncproxy.config.settings import Proxy, Settings
from vncproxy.model import Limits


class DescriptorTests(SynchronousTestCase):
    def check(self, workers: int, allowed: int) -> str:
        """Check 1,000 connections with as many sessions where a process has so many descriptors."""
        self.patch(descriptors, "allowed", lambda: allowed)
        limits = Limits(connections=1000, sessions=1000)
        return str(
            descriptors.check_descriptors(Settings(proxy=Proxy(workers=workers), limits=limits))
        )

    def test_one_process_needs_two_for_each_session(self) -> None:
        self.assertEqual(self.check(1, 2128), "ok    limits: 2128 file descriptors suffice")

    def test_each_worker_needs_those_of_its_part(self) -> None:
        self.assertEqual(
            self.check(4, 628), "ok    limits: 628 file descriptors suffice, for each of 4 workers"
        )

    def test_too_few_are_a_warning(self) -> None:
        found = self.check(4, 627)

        self.assertTrue(found.startswith("warn  limits: the limits need 628 file descriptors"))
        self.assertIn("are let in, for each of 4 workers; raise LimitNOFILE", found)
