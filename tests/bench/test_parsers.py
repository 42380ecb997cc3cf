"""The benchmark of the filters measures what it says."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench import parsers


class ParserBenchTests(SynchronousTestCase):
    timeout = 120

    def test_each_stream_is_one_of_whole_messages(self) -> None:
        for name, stream in parsers.STREAMS.items():
            self.assertGreater(parsers.walker_speed(stream, 1), 0, name)

    def test_a_relay_with_and_without_stages(self) -> None:
        stream = parsers.STREAMS["ZRLE of 1.5 KB"]
        for policy in parsers.POLICIES:
            speed, cost = parsers.bulk(policy, stream, 1)
            self.assertGreater(min(speed, cost, parsers.events(policy, 3)), 0)
