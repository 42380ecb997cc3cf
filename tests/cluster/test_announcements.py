"""Announcements as JSON."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.proxies import announced
from vncproxy.cluster.announcements import decode, encode


class AnnouncementTests(SynchronousTestCase):
    def written(self, **changes: Any) -> str:
        return json.dumps({**json.loads(encode(announced("north"))), **changes})

    def test_refusals_come_back(self) -> None:
        said = announced("north", refusals={"token-used": 3, "no-room": 1})
        self.assertEqual(decode(said.identity.worker_id, encode(said)), said)

    def test_an_earlier_version_tells_none(self) -> None:
        self.assertNotIn("refusals", self.written())
        self.assertEqual(decode("1", self.written()).refusals, {})

    def test_malformed_ones_are_refused(self) -> None:
        spoiled: tuple[Any, ...] = [], 5, {"token-used": "many"}, {"token-used": None}
        for refusals in spoiled:
            self.assertRaises(ValueError, decode, "1", self.written(refusals=refusals))
