from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from vncproxy.errors import ConfigurationError, OverLimit, StoreUnavailable, TokenUnknown, TokenUsed
from vncproxy.interfaces import ITokenSource, ITokenStore
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Limits,
    Once,
    Policy,
    SessionLease,
    Token,
    Transport,
    VMAddress,
    new_secret,
)
from vncproxy.tokens.external import kinds as source_types
from vncproxy.tokens.external.grant import grant
from vncproxy.tokens.external.store import StoreWithSources
from vncproxy.tokens.external.target import Target
from vncproxy.tokens.memory import MemoryTokenStore

NOW = 1_800_000_000.0
SECRET = "t" * 20
VM = VMAddress("kvm", "web-01")


@implementer(ITokenSource)
class OneToken:
    """A source with one token, or one that only fails."""

    def __init__(
        self, secret: str = SECRET, error: Exception | None = None, once: Once | None = None
    ) -> None:
        self.asked: list[str] = []
        self.closed = False
        self._secret = secret
        self._error = error
        self._once = once

    async def redeem(self, secret: str) -> Grant | None:
        self.asked.append(secret)
        if self._error is not None:
            raise self._error
        if secret != self._secret:
            return None
        endpoint = ConsoleEndpoint(Transport.TCP, "a", 1)
        vm = VMAddress("old", str(Target("a", 1)))
        return grant(secret, vm, endpoint, NOW, once=self._once)

    async def probe(self) -> str:
        return "one token"

    async def close(self) -> None:
        self.closed = True


class StoreWithSourcesTests(SynchronousTestCase):
    def setUp(self) -> None:
        clock = Clock()
        clock.advance(NOW)
        self.own = MemoryTokenStore(clock.seconds, 60, clock.seconds)

    def store(self, *sources: OneToken) -> StoreWithSources:
        return StoreWithSources(self.own, {str(n): source for n, source in enumerate(sources)})

    def run_it(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def issue(self, store: Any) -> str:
        token = Token(VM, "alice", ConsoleType.NOVNC, Policy(), NOW, NOW + 60)
        return str(self.run_it(store.issue(token)))

    def test_it_keeps_the_interface(self) -> None:
        self.assertTrue(verifyObject(ITokenStore, self.store()))

    def test_own_tokens_are_no_business_of_the_sources(self) -> None:
        source = OneToken()
        store = self.store(source)
        secret = self.issue(store)
        self.assertEqual(self.run_it(store.redeem(secret)).token.vm, VM)
        self.failureResultOf(Deferred.fromCoroutine(store.redeem(secret)), TokenUsed)
        self.assertEqual(source.asked, [])

    def test_sources_are_asked_in_turn(self) -> None:
        first, second, third = OneToken("x" * 20), OneToken(), OneToken()
        found = self.run_it(self.store(first, second, third).redeem(SECRET))
        self.assertEqual(found.endpoint.host, "a")
        self.assertEqual([len(each.asked) for each in (first, second, third)], [1, 1, 0])

    def test_a_token_that_no_source_has(self) -> None:
        waiting = Deferred.fromCoroutine(self.store(OneToken()).redeem(new_secret()))
        self.failureResultOf(waiting, TokenUnknown)

    def test_a_source_that_does_not_answer_hinders_no_other(self) -> None:
        away = OneToken(error=StoreUnavailable("away"))
        self.assertIsNotNone(self.run_it(self.store(away, OneToken()).redeem(SECRET)))

    def test_a_token_that_a_source_which_does_not_answer_might_know(self) -> None:
        store = self.store(OneToken(error=StoreUnavailable("away")), OneToken("x" * 20))
        waiting = Deferred.fromCoroutine(store.redeem(SECRET))
        self.assertEqual(self.failureResultOf(waiting, StoreUnavailable).value.detail, "away")

    def test_who_says_why_a_token_is_unknown_there_hinders_no_other(self) -> None:
        short = OneToken(error=TokenUnknown("too short"))
        self.assertIsNotNone(self.run_it(self.store(short, OneToken()).redeem(SECRET)))
        waiting = Deferred.fromCoroutine(self.store(short, OneToken("x" * 20)).redeem(SECRET))
        self.assertEqual(self.failureResultOf(waiting, TokenUnknown).value.detail, "too short")

    def test_a_refusal_is_the_last_word(self) -> None:
        later = OneToken()
        store = self.store(OneToken(error=TokenUsed("once")), later)
        self.failureResultOf(Deferred.fromCoroutine(store.redeem(SECRET)), TokenUsed)
        self.assertEqual(later.asked, [])

    def test_uses_of_own_tokens_only_are_given_back(self) -> None:
        store = self.store(OneToken())
        secret = self.issue(store)
        self.run_it(store.restore(self.run_it(store.redeem(secret))))
        self.run_it(store.restore(self.run_it(store.redeem(SECRET))))
        self.run_it(store.redeem(secret))

    def test_a_token_that_is_good_once_is_good_again_when_no_console_was_shown(self) -> None:
        store = self.store(OneToken(once=Once("a", 60)))
        grant = self.run_it(store.redeem(SECRET))
        self.failureResultOf(Deferred.fromCoroutine(store.redeem(SECRET)), TokenUsed)
        self.run_it(store.restore(grant))
        self.run_it(store.confirm(self.run_it(store.redeem(SECRET))))
        self.failureResultOf(Deferred.fromCoroutine(store.redeem(SECRET)), TokenUsed)

    def test_sessions_of_all_issuers_are_counted_together(self) -> None:
        store = self.store(OneToken(once=Once("a", 60)))
        limits = Limits(sessions_per_address=1)
        mine, other = (SessionLease(each, "w", "192.0.2.9", limits) for each in ("1", "2"))
        grant = self.run_it(store.redeem(self.issue(store), lease=mine))

        redeeming = Deferred.fromCoroutine(store.redeem(SECRET, lease=other))
        why = self.failureResultOf(redeeming, OverLimit).value
        self.assertIn("1 sessions from 192.0.2.9, limits.sessions_per_address", str(why))

        store.leave(mine, grant.token)
        self.run_it(store.redeem(SECRET, lease=other))  # its one use was not taken

    def test_own_tokens_are_shown_and_revoked(self) -> None:
        store = self.store()
        ids: Sequence[str] = [self.run_it(store.redeem(self.issue(store))).token_id for _ in "abc"]
        self.assertEqual(self.run_it(store.show(ids[0])).id, ids[0])
        self.assertTrue(self.run_it(store.revoke(ids[0])))
        self.assertEqual(set(self.run_it(store.revoke_vm(VM))), set(ids[1:]))
        self.assertEqual(self.run_it(store.revoke_user("alice")), [])
        self.assertIn("memory", self.run_it(store.ping()))

    def test_closing_closes_the_sources(self) -> None:
        source = OneToken()
        self.run_it(self.store(source).close())
        self.assertTrue(source.closed)


class TypeTests(SynchronousTestCase):
    def test_every_type_has_settings(self) -> None:
        for kind in ("jwt", "websockify-file", "websockify-redis"):
            self.assertIn("vnc_password", source_types.find(kind).Settings.model_fields)

    def test_others_are_refused_with_what_there_is(self) -> None:
        for kind, words in (
            ("websockify-fiel", "did you mean websockify-file?"),
            ("x", "known are jwt"),
        ):
            error = self.assertRaises(ConfigurationError, source_types.find, kind)
            self.assertIn(words, error.detail)
