"""Which recordings are kept no longer: by age and size, machines and users, and by which rule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.recorded_files import BEGAN, keep, recording
from vncproxy.archive.folder import FolderLibrary
from vncproxy.archive.keeping import Rule, Sorting
from vncproxy.model import VMPatterns

DAY = 86400.0
NOW = BEGAN + 100 * DAY


class KeepingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.library = FolderLibrary(self.folder)
        self.sorting = Sorting()

    def expired(self, *rules: Rule, now: float = NOW) -> list[tuple[str, int, str]]:
        found = self.sorting.expired(self.library, rules, now)
        return [(each.entry.session, each.rule, each.why) for each in found]

    def keep(self, session: str, days_ago: float, **more: Any) -> Path:
        return keep(self.folder, session, NOW - days_ago * DAY - 1, **more)

    def test_the_old_ones_the_oldest_first(self) -> None:
        for session, days in (("a", 91), ("b", 89), ("c", 99)):
            self.keep(session, days)

        found = self.expired(Rule(age=90 * DAY))
        self.assertEqual(found, [("c", 1, "age"), ("a", 1, "age")])

    def test_those_beyond_a_size(self) -> None:
        for number in range(5):
            self.keep(f"s{number}", number)
        size = len(recording("s0"))

        self.assertEqual(self.expired(Rule(size=3 * size)), [("s4", 1, "size"), ("s3", 1, "size")])
        self.assertEqual(self.expired(Rule(size=5 * size)), [])

    def test_an_index_counts(self) -> None:
        self.keep("a", 1)
        path = self.keep("b", 2)
        path.with_suffix(".vncrx").write_bytes(bytes(1000))
        size = len(recording("a"))

        self.assertEqual(self.expired(Rule(size=2 * size + 999)), [("b", 1, "size")])
        self.assertEqual(self.expired(Rule(size=2 * size + 1000)), [])

    def test_the_first_rule_that_matches_decides(self) -> None:
        self.keep("lab", 5, vm="lab/1")
        self.keep("bob", 5, vm="kvm/1", user="bob")
        self.keep("other", 5, vm="kvm/1")
        rules = (
            Rule(VMPatterns.parse(["lab/*"])),
            Rule(users=("bob",), age=3 * DAY),
            Rule(age=4 * DAY),
        )

        self.assertEqual(self.expired(*rules), [("bob", 2, "age"), ("other", 3, "age")])
        self.assertEqual(self.expired(*rules[:2]), [("bob", 2, "age")])
        self.assertEqual(self.expired(), [])

    def test_both_of_a_rule_have_to_match(self) -> None:
        self.keep("a", 5, vm="kvm/1", user="bob")
        self.keep("b", 5, vm="lab/1", user="bob")
        rule = Rule(VMPatterns.parse(["lab/*"]), ("bob",), age=DAY)

        self.assertEqual(self.expired(rule), [("b", 1, "age")])

    def test_a_machine_whose_name_can_not_be_one_matches_no_pattern(self) -> None:
        self.keep("a", 5, vm="nothing")

        self.assertEqual(self.expired(Rule(VMPatterns.parse(["*"]), age=DAY)), [])
        self.assertEqual(self.expired(Rule(age=DAY)), [("a", 1, "age")])

    def test_one_of_a_clock_that_was_wrong_is_not_old(self) -> None:
        path = keep(self.folder, "a", 3600.0)
        os.utime(path, (3600, 3600))

        self.assertEqual(self.expired(Rule(age=DAY)), [])

    def test_rules_that_change_are_applied(self) -> None:
        self.keep("a", 5, user="bob")
        of_bob = Rule(users=("bob",), age=DAY)
        self.assertEqual(self.expired(of_bob), [("a", 1, "age")])
        self.assertEqual(self.expired(Rule(users=("eve",), age=DAY), of_bob), [("a", 2, "age")])

    def test_what_cannot_be_read_stays(self) -> None:
        self.keep("a", 5).write_bytes(b"text")

        self.assertEqual(self.expired(Rule(users=("bob",), age=DAY), Rule(age=DAY)), [])
