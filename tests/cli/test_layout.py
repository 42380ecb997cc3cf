from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cli.layout import duration, facts, size, table


class LayoutTests(SynchronousTestCase):
    def test_columns_are_as_wide_as_their_widest_cell(self) -> None:
        self.assertEqual(table(("A", "LONG"), [("xyz", "1")]), "A    LONG\nxyz  1")

    def test_values_are_aligned(self) -> None:
        self.assertEqual(facts({"a": "1", "long": "2"}), "a:    1\nlong: 2")

    def test_sizes(self) -> None:
        for count, text in (
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (5 * 1024**2, "5.0 MiB"),
            (3 * 1024**3, "3.0 GiB"),
            (2048 * 1024**3, "2.0 TiB"),
        ):
            self.assertEqual(size(count), text)

    def test_durations(self) -> None:
        for seconds, text in (
            (0.9, "0s"),
            (59, "59s"),
            (185, "3m 05s"),
            (7620, "2h 07m"),
            (97200, "1d 03h"),
        ):
            self.assertEqual(duration(seconds), text)
