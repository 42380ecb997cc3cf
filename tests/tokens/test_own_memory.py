"""What a process remembers of tokens, for how long, and of how many."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.tokens.own_memory import OwnMemory


class OwnMemoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.memory = OwnMemory(self.clock.seconds, most=3)

    def test_nothing_is_known_of_a_new_token(self) -> None:
        self.assertEqual(self.memory.uses("a"), 0)
        self.assertFalse(self.memory.is_revoked("a"))
        self.assertFalse(self.memory.is_done("a"))

    def test_uses_are_counted_by_token(self) -> None:
        self.memory.note_use("a")
        self.memory.note_use("a")
        self.memory.note_use("b")
        self.assertEqual((self.memory.uses("a"), self.memory.uses("b")), (2, 1))

    def test_revoked_token_has_no_fewer_uses(self) -> None:
        self.memory.note_use("a")
        self.memory.note_revocation("a")
        self.assertTrue(self.memory.is_revoked("a"))
        self.assertEqual(self.memory.uses("a"), 1)

    def test_what_is_done_once_is_no_token(self) -> None:
        self.memory.note_done("a", 60)
        self.assertTrue(self.memory.is_done("a"))
        self.assertFalse(self.memory.is_revoked("a"))

    def test_use_is_remembered_for_an_hour_after_the_last(self) -> None:
        self.memory.note_use("a")
        self.clock.advance(3000)
        self.memory.note_use("a")
        self.clock.advance(3599)
        self.assertEqual(self.memory.uses("a"), 2)
        self.clock.advance(1)
        self.assertEqual(self.memory.uses("a"), 0)

    def test_what_is_done_once_is_remembered_for_its_own_time_if_that_is_less(self) -> None:
        self.memory.note_done("a", 60)
        self.memory.note_done("b", 86400)
        self.clock.advance(60)
        self.assertFalse(self.memory.is_done("a"))
        self.clock.advance(3540)
        self.assertFalse(self.memory.is_done("b"))

    def test_token_that_changed_first_makes_room(self) -> None:
        for token in "abc":
            self.memory.note_use(token)
        self.memory.note_use("a")
        self.memory.note_revocation("d")
        self.assertEqual([self.memory.uses(token) for token in "abc"], [2, 0, 1])
        self.assertTrue(self.memory.is_revoked("d"))

    def test_what_is_forgotten_takes_no_memory(self) -> None:
        for token in "abc":
            self.memory.note_use(token)
        self.clock.advance(3600)
        self.memory.note_use("d")
        self.assertEqual(list(self.memory._past), ["d"])
