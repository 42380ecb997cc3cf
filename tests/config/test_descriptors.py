"""File descriptors that the limits need."""

from __future__ import annotations

import resource

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.descriptors import RESERVED, affordable, allow, allowed, needed, shortage
from vncproxy.model import Limits


class DescriptorTests(SynchronousTestCase):
    def setUp(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        self.hard = before[1]

    def test_a_session_has_two(self) -> None:
        self.assertEqual(needed(Limits(connections=500, sessions=300)), 800 + RESERVED)
        self.assertEqual(needed(Limits(connections=500, sessions=900)), 1000 + RESERVED)

    def test_with_what_is_needed_all_connections_are_affordable(self) -> None:
        for limits in (
            Limits(connections=500, sessions=300),
            Limits(connections=500, sessions=500),
            Limits(connections=500, sessions=900),
        ):
            self.assertEqual(affordable(limits, needed(limits)), 500)
            self.assertEqual(shortage(limits, needed(limits)), "")
            self.assertLess(affordable(limits, needed(limits) - 2), 500)

    def test_few_descriptors_are_shared_by_users_and_consoles(self) -> None:
        self.assertEqual(affordable(Limits(), 256), (256 - RESERVED) // 2)
        self.assertEqual(affordable(Limits(), 10), 1)
        self.assertIn("3128 file descriptors, and there are 256", shortage(Limits(), 256))

    def test_a_process_allows_itself_what_it_may(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, self.hard))

        self.assertEqual(allow(Limits(connections=700, sessions=100)), 800 + RESERVED)
        self.assertEqual(allow(Limits(connections=200, sessions=100)), 800 + RESERVED)
        self.assertGreaterEqual(allowed(), 800 + RESERVED)
