"""Answers of Keystone are used for a bounded time, whatever happens to clocks."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import KeystoneUnavailable
from vncproxy.openstack import recent
from vncproxy.openstack.keystone import InDomain, KeystoneToken, Named
from vncproxy.openstack.recent import RecentTokens

NOW = 1_767_323_045.0


class RecentCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.seconds, self.time = 100.0, NOW
        self.asked: list[str] = []
        self.ends_at = NOW + 3600
        self.known = {"a", "b", "c"}
        self.away = False
        self.tokens = self.made(60.0)

    def made(self, cache: float) -> RecentTokens:
        return RecentTokens(self.look_up, cache, lambda: self.seconds, lambda: self.time)

    async def look_up(self, token: str) -> KeystoneToken | None:
        self.asked.append(token)
        if self.away:
            raise KeystoneUnavailable("away")
        if token not in self.known:
            return None
        user = InDomain(id=token[0], domain=Named(id="default"))
        return KeystoneToken(user=user, expires_at=datetime.fromtimestamp(self.ends_at, UTC))

    def owner(self, token: str = "a") -> str | None:
        found = self.successResultOf(Deferred.fromCoroutine(self.tokens.owner(token)))
        return None if found is None else found.user.id


class RecentTests(RecentCase):
    def test_an_answer_is_used_for_the_configured_seconds(self) -> None:
        for passed in (0.0, 30.0, 29.9):
            self.seconds += passed
            self.assertEqual(self.owner(), "a")
        self.assertEqual(self.asked, ["a"])

        self.seconds += 0.1

        self.owner()
        self.assertEqual(self.asked, ["a", "a"])

    def test_a_token_that_was_revoked_is_refused_after_them(self) -> None:
        self.owner()
        self.known.clear()
        self.assertEqual(self.owner(), "a")

        self.seconds += 60

        self.assertIsNone(self.owner())

    def test_what_is_not_valid_is_asked_about_every_time(self) -> None:
        self.assertIsNone(self.owner("x"))
        self.known.add("x")
        self.assertEqual(self.owner("x"), "x")

    def test_nothing_is_remembered_where_nothing_is_to_be(self) -> None:
        self.tokens = self.made(0.0)
        self.owner()
        self.owner()
        self.assertEqual(self.asked, ["a", "a"])

    def test_no_answer_outlives_its_token(self) -> None:
        self.ends_at = NOW + 10
        self.owner()
        self.seconds += 10
        self.owner()
        self.assertEqual(self.asked, ["a", "a"])

    def test_a_clock_that_is_set_makes_no_answer_live_longer(self) -> None:
        self.owner()
        self.time -= 86400
        self.seconds += 60
        self.owner()
        self.assertEqual(self.asked, ["a", "a"])

    def test_a_clock_that_is_ahead_refuses_no_token_that_keystone_accepts(self) -> None:
        self.time += 86400
        self.assertEqual(self.owner(), "a")

    def test_tokens_are_told_apart(self) -> None:
        self.assertEqual([self.owner("a"), self.owner("b"), self.owner("a")], ["a", "b", "a"])
        self.assertEqual(self.asked, ["a", "b"])

    def test_keystone_is_not_needed_for_what_it_said_a_moment_ago(self) -> None:
        self.owner()
        self.away = True
        self.assertEqual(self.owner(), "a")
        self.failureResultOf(Deferred.fromCoroutine(self.tokens.owner("b")), KeystoneUnavailable)

    def test_the_one_asked_about_longest_ago_is_forgotten_first(self) -> None:
        self.patch(recent, "MOST", 2)
        for token in "abc":
            self.owner(token)
        self.owner("c")
        self.owner("b")
        self.assertEqual(self.asked, ["a", "b", "c"])
        self.owner("a")
        self.assertEqual(self.asked, ["a", "b", "c", "a"])

    def test_no_token_is_kept(self) -> None:
        self.known.add("a-secret-token")
        self.assertEqual(self.owner("a-secret-token"), "a")
        self.assertNotIn("a-secret-token", repr(vars(self.tokens)))
