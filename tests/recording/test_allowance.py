"""How much recordings may take of a disk."""

from __future__ import annotations

import errno
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.recording.allowance import COUNTED_AGAIN, UNBOUNDED, Allowance


class AllowanceTests(SynchronousTestCase):
    def test_what_others_write_counts_a_moment_later(self) -> None:
        used = 50
        clock = Clock()
        allowance = Allowance(100, lambda: used, clock.seconds)
        allowance.take(50)
        error = self.assertRaises(OSError, allowance.take, 1)
        self.assertEqual(error.errno, errno.EDQUOT)
        self.assertIn("the spool is full", str(error.strerror))

        used = 20
        self.assertRaises(OSError, allowance.take, 1)
        clock.advance(COUNTED_AGAIN)
        allowance.take(80)
        self.assertRaises(OSError, allowance.take, 1)

    def test_any_number(self) -> None:
        UNBOUNDED.take(1 << 60)
        self.assertTrue(Path().exists())
