"""Which part of the proxy its time goes to, from the samples of a profiler."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.shares import REST, shares, table

LOOP = "ReactorBase.mainLoop (twisted/internet/base.py:697)"
WRITE = "Connection.writeSomeData (twisted/internet/tcp.py:300)"
SESSION = "Session._run (vncproxy/session/session.py:190)"
AUDIT = "AuditLog.closed (vncproxy/session/audit.py:50)"
JSON = "JSONEncoder.encode (json/encoder.py:200)"
IDLE = "work (twisted/_threads/_threadworker.py:47)"


class SharesTests(SynchronousTestCase):
    def test_a_sample_counts_for_the_innermost_part(self) -> None:
        samples = f"{LOOP};{SESSION} 10\n{LOOP};{SESSION};{AUDIT};{JSON} 30\n{LOOP};{WRITE} 60\n"

        found = shares(samples)

        self.assertEqual(
            list(found.items()),
            [
                ("sending through Twisted's transports", 0.6),
                ("audit lines", 0.3),
                ("session", 0.1),
            ],
        )

    def test_what_has_no_owner_is_the_reactors(self) -> None:
        self.assertEqual(shares(f"{LOOP} 7\n"), {REST: 1.0})

    def test_threads_that_wait_do_not_count(self) -> None:
        self.assertEqual(shares(f"{LOOP} 1\n{IDLE} 99\n"), {REST: 1.0})

    def test_a_table_has_a_row_for_each_part(self) -> None:
        self.assertEqual(
            table({"relay": 0.75, REST: 0.25, "session": 0.001}),
            "| | CPU |\n|---|---|\n| relay | 75% |\n| everything else of the reactor | 25% |",
        )
