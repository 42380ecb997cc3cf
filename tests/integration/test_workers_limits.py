"""Limits of a proxy with workers: a full one leaves users to those that have room."""

from __future__ import annotations

import time

from tests.components.viewer import Refused, Viewer
from tests.components.workers import until
from tests.integration.test_workers import WorkersCase
from vncproxy.supervisor.supervisor import CHECK_PERIOD


class FullTests(WorkersCase):
    more = "[limits]\nsessions = 4\nsessions_per_vm = 100\nsessions_per_address = 100\n"

    def test_all_places_are_taken_before_a_user_is_refused(self) -> None:
        self.start()
        sessions = []
        for _ in range(4):
            self.wait_until_workers_know_each_other()
            self.assertEqual(self.ready(), 200)
            sessions.append(self.proxy.open())
        workers = sorted(session.worker for session in sessions)
        self.assertEqual(workers, ["worker 1", "worker 1", "worker 2", "worker 2"])

        until(lambda: {self.ready() for _ in range(6)} == {503}, "no worker is ready")
        token = self.gateway.issue("lab/web-01", type="xvpvnc")["token"]
        with self.assertRaises(Refused) as refused:
            Viewer.connect(self.gateway.xvp_port, token)
        self.assertTrue(str(refused.exception).startswith("503 "), str(refused.exception))

        sessions[0].viewer.close()
        sessions[0].hypervisor.close()
        until(lambda: self.ready() == 200, "a place is free")
        self.wait_until_workers_know_each_other()
        self.assertEqual(self.proxy.open().worker, sessions[0].worker)

    def wait_until_workers_know_each_other(self) -> None:
        """Wait for two pings of each worker, which tell it how the others are."""
        time.sleep(2 * CHECK_PERIOD + 0.3)
