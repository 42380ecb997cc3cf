from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cluster.finding import decode, encode
from vncproxy.model import MachineHost


class FindingTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        found = MachineHost(("node1", "10.1.0.2"), runs=True, uuid="a")
        self.assertEqual(decode(encode(found)), [found])

    def test_what_is_malformed_is_nothing(self) -> None:
        malformed: list[Any] = [None, [], "x", {}, {"hosts": "node1"}, {"hosts": [], "uuid": 1}]
        for said in malformed:
            with self.subTest(said=said):
                self.assertEqual(decode(said), [])

    def test_what_is_odd_does_not_count(self) -> None:
        said: dict[str, Any] = {"hosts": ["a", 1, None], "runs": 1, "more": True}
        self.assertEqual(decode(said), [MachineHost(("a",), runs=False)])
