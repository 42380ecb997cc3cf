from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from bench import goals, report, table


def bulk(*seconds: float) -> dict[str, dict[str, float]]:
    return {str(n): {"cpu_s_per_gb": found, "mb_per_s": 1000.0} for n, found in enumerate(seconds)}


def results(**more: Any) -> dict[str, Any]:
    figures = {"bulk": {"ours": bulk(0.2, 0.4, 0.3), "haproxy": bulk(0.4, 0.4, 1.0)}}
    return {"figures": figures, "integrity": {}, "failed": {}, "at_rest": {}, **more}


class TableTests(SynchronousTestCase):
    def test_the_median_of_the_repetitions(self) -> None:
        self.assertEqual(table.value(results(), "bulk", "ours", "cpu_s_per_gb"), 0.3)

    def test_the_median_of_the_ratios_of_each_repetition(self) -> None:
        found = table.ratio(results(), "bulk", "ours", "haproxy", "cpu_s_per_gb")

        self.assertEqual(found, 0.5)

    def test_what_was_not_measured_has_no_figures(self) -> None:
        self.assertIsNone(table.value(results(), "rtt", "ours", "p50_us"))
        self.assertIsNone(table.ratio(results(), "bulk", "ours", "node", "cpu_s_per_gb"))

    def test_a_peer_that_is_not_right_is_marked(self) -> None:
        wrong = results(integrity={"ws/haproxy": "bytes differ"})

        self.assertIn("bytes differ", table.flaws(wrong, "ws", "bulk", "haproxy"))
        self.assertIn("bytes differ", report.table(wrong, "bulk"))
        self.assertEqual(table.flaws(wrong, "ws", "bulk", "ours"), "")

    def test_merged_updates_are_marked(self) -> None:
        figures = {"events": {"ours": {"0": {"cpu_us": 1.0, "reads": 0.9}}}}

        self.assertIn("merged", table.flaws(results(figures=figures), "ws", "events", "ours"))

    def test_a_peer_that_is_busy_at_rest_is_marked(self) -> None:
        found = table.flaws(results(at_rest={"ws/ours": 0.5}), "ws", "bulk", "ours")

        self.assertIn("50% of a core", found)


class ReportTests(SynchronousTestCase):
    def test_only_what_is_marked_and_was_measured_is_replaced(self) -> None:
        page = "a <!-- begin bulk -->old<!-- end bulk --> b <!-- begin rtt -->old<!-- end rtt --> c"

        filled = report.fill(page, results())

        self.assertNotIn("<!-- begin bulk -->old", filled)
        self.assertIn("| haproxy | 0.400 | 1,000 | 0.50 |", filled)
        self.assertIn("b <!-- begin rtt -->old<!-- end rtt --> c", filled)

    def test_a_goal_names_what_it_is_measured_by(self) -> None:
        summary = goals.summary(results())

        self.assertIn("0.50 x haproxy, at most 0.6: reached", summary)
        self.assertIn("haproxy-1m was not measured", summary)

    def test_charts_are_well_formed(self) -> None:
        drawn = dict(report.charts(results()))

        self.assertEqual(list(drawn), ["bulk"])
        self.assertEqual(ElementTree.fromstring(drawn["bulk"]).tag.rpartition("}")[2], "svg")
