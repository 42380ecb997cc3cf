from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.metrics.labels import MAX_BACKENDS, OTHER, BackendLabels


class BackendLabelsTests(SynchronousTestCase):
    def test_names_beyond_the_limit_are_one_value(self) -> None:
        label = BackendLabels()
        for number in range(MAX_BACKENDS):
            self.assertEqual(label(f"b{number}"), f"b{number}")

        self.assertEqual(label("one-more"), OTHER)
        self.assertEqual(label("b0"), "b0")
        self.assertEqual(label(""), "")
