"""The part of the limits that a worker has."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.settings import Proxy, Settings
from vncproxy.config.shares import share_of
from vncproxy.model import Limits


class ShareTests(SynchronousTestCase):
    def test_totals_are_divided_and_others_are_not(self) -> None:
        limits = Limits(sessions=10, connections=100, sessions_per_vm=5)

        share = share_of(Settings(proxy=Proxy(workers=3), limits=limits)).limits

        self.assertEqual((share.sessions, share.connections), (4, 34))
        self.assertEqual(share.sessions_per_vm, 5)

    def test_one_worker_has_all(self) -> None:
        settings = Settings(proxy=Proxy(supervisor=True))

        self.assertEqual(share_of(settings), settings)
