"""Two real proxies and a real Redis: their sessions are seen and ended at either of them."""

from __future__ import annotations

import time

from tests.components.cluster_case import ClusterCase


class ClusterTests(ClusterCase):
    def setUp(self) -> None:
        super().setUp()
        self.north, self.south = self.proxy("north"), self.proxy("south")

    def test_a_token_revoked_at_one_proxy_ends_its_session_at_the_other(self) -> None:
        token_id, viewer = self.open(self.south)

        began = time.monotonic()
        status, answer = self.north.call("DELETE", f"/v1/tokens/{token_id}")
        viewer.wait_for_end()
        took = time.monotonic() - began

        self.assertEqual((status, answer), (200, {"revoked": 1, "ended": 1}))
        self.assertLess(took, 5)
        self.until(lambda: self.south.audit("close"))
        (line,) = self.south.audit("close")
        self.assertEqual(line["reason"], "ended-by-administrator")
        self.assertEqual(line["detail"], "by key 'test'")
