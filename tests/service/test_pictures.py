"""The threads of pictures."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.blocking import BoundedCalls
from vncproxy.errors import Busy
from vncproxy.service.pictures import PictureThreads


class PictureThreadsTests(SynchronousTestCase):
    def test_a_full_queue_is_no_failure_of_a_backend(self) -> None:
        clock = MemoryReactorClock()
        threads: Any = clock  # none is ever called from
        calls = BoundedCalls(clock, threads, 0, 0)
        self.addCleanup(calls.close)
        self.failureResultOf(PictureThreads(calls)(len, b""), Busy)
