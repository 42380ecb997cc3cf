"""What is open stands beside the audit file, in a bounded number of lines."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.session.audit_journal import MAX_CLOSED_LINES, Journal, claim


class JournalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.audit = Path(self.mktemp())
        self.path = Path(f"{self.audit}.open")
        self.journal = self.claim()

    def claim(self) -> Journal:
        journal, self.lost = claim(self.audit, Clock())
        assert journal is not None
        return journal

    def test_what_is_open_is_known(self) -> None:
        for number in range(3):
            self.journal.opened(json.dumps({"session": str(number)}))
        self.journal.closed("1")

        self.assertEqual([line["session"] for line in self.journal.still_open()], ["0", "2"])

    def test_it_does_not_grow_with_what_is_over(self) -> None:
        self.journal.opened(json.dumps({"session": "stays"}))
        for number in range(3 * MAX_CLOSED_LINES):
            self.journal.opened(json.dumps({"session": str(number)}))
            self.journal.closed(str(number))

        self.assertLess(len(self.path.read_bytes().splitlines()), 2 * MAX_CLOSED_LINES)
        self.assertEqual(self.journal.still_open(), [{"session": "stays"}])

    def test_half_a_line_and_other_things_are_left_out(self) -> None:
        self.journal.opened(json.dumps({"session": "1"}))
        self.journal.close()
        with self.path.open("ab") as file:
            file.write(b'{"close": "x"}\nnull\n[]\n\xff\n{"open": {}}\n{"open": {"sessi')

        self.claim()

        self.assertEqual(self.lost, [{"session": "1"}])

    def test_only_one_process_has_it(self) -> None:
        other = self.claim()
        other.opened(json.dumps({"session": "2"}))
        self.assertEqual(len(list(self.audit.parent.glob(f"{self.audit.name}.open*"))), 2)
        self.assertEqual(self.lost, [])

        other.close()
        self.journal.close()
        self.claim()

        self.assertEqual(self.lost, [{"session": "2"}])
        self.assertEqual(list(self.audit.parent.glob(f"{self.audit.name}.open*")), [self.path])
