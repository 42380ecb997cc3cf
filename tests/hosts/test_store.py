"""Tokens of peers are revoked where they are, whichever peers answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.peers import FakePeer
from tests.tokens.store_contract import make_token
from vncproxy.errors import StoreUnavailable, TokenUnknown
from vncproxy.hosts.issued_elsewhere import LONGEST_SESSION, MOST_OF_ONE, IssuedElsewhere
from vncproxy.hosts.store import StoreWithPeers
from vncproxy.model import Policy, Token, UnixTime, VMAddress
from vncproxy.tokens.issuing import IssuedToken
from vncproxy.tokens.memory import MemoryTokenStore
from vncproxy.tokens.refusals import NoProxyForHost
from vncproxy.tokens.resume import OPENING

A, B = "a" * 64, "b" * 64
VM = VMAddress("kvm", "web-01")
TTL = 60.0


class StoreWithPeersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        own = MemoryTokenStore(self.clock.seconds, 3600, self.clock.seconds)
        self.elsewhere = IssuedElsewhere(self.clock.seconds)
        self.peers = {name: FakePeer(name) for name in ("node1", "node2")}
        find: Any = self.peers.get
        self.store = StoreWithPeers(own, self.elsewhere, find)

    def note(self, token_id: str, peer: str, there: str = "", **changes: Any) -> None:
        now = self.clock.seconds()
        token: Token = replace(
            make_token(0, **changes), issued_at=UnixTime(now), expires_at=UnixTime(now + TTL)
        )
        issued = IssuedToken(there or token_id, token, "secret", "https://node/")
        self.elsewhere.note(token_id, peer, issued)

    def result(self, work: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def failure(self, work: Any, kind: type[Exception]) -> str:
        return str(self.failureResultOf(Deferred.fromCoroutine(work), kind).value)

    def test_a_peer_that_is_away_keeps_no_other_from_revoking(self) -> None:
        for revoke, of in (("revoke_vm", VM), ("revoke_user", "alice")):
            self.note(A, "node1")
            self.note(B, "node2")
            self.peers["node1"].problem = NoProxyForHost("node1 is away")

            why = self.failure(getattr(self.store, revoke)(of), StoreUnavailable)

            self.assertIn("node1 is away", why)
            self.assertEqual(self.peers["node2"].revoked, [B])
            self.peers["node1"].problem = None
            self.assertEqual(self.result(getattr(self.store, revoke)(of)), [A])
            self.assertEqual(self.peers["node2"].revoked, [B])
            for peer in self.peers.values():
                peer.revoked.clear()

    def test_a_peer_that_is_slow_keeps_no_other_waiting(self) -> None:
        self.note(A, "node1")
        self.note(B, "node2")
        slow: Deferred[None] = Deferred()
        self.peers["node1"].answering = slow

        revoking = Deferred.fromCoroutine(self.store.revoke_vm(VM))

        self.assertEqual(self.peers["node2"].revoked, [B])
        self.assertNoResult(revoking)
        slow.callback(None)
        self.assertEqual(self.successResultOf(revoking), [A, B])

    def test_peers_are_asked_where_our_own_store_fails(self) -> None:
        self.note(A, "node1")

        async def away(of: object) -> Any:
            raise StoreUnavailable("away")

        for name in ("revoke", "revoke_vm", "revoke_user", "revoke_signer", "revoke_link"):
            self.patch(self.store.store, name, away)
        self.failure(self.store.revoke(A), StoreUnavailable)
        self.assertEqual(self.peers["node1"].revoked, [A])

    def test_what_can_matter_no_more_is_forgotten(self) -> None:
        self.peers["node1"].problem = NoProxyForHost("away")
        for policy, after in (
            (Policy(max_duration=100.0), 100.0 + OPENING),
            (Policy(), LONGEST_SESSION),
        ):
            self.note(A, "node1", policy=policy)
            self.clock.advance(TTL + after - 1)
            self.failure(self.store.revoke_user("alice"), StoreUnavailable)
            self.clock.advance(1)
            self.assertEqual(self.result(self.store.revoke_user("alice")), [])
            self.failure(self.store.show(A), TokenUnknown)

    def test_an_expired_token_has_no_use_left(self) -> None:
        self.note(A, "node1")
        self.assertEqual(self.result(self.store.show(A)).uses_left, 1)
        self.clock.advance(TTL)
        self.assertEqual(self.result(self.store.show(A)).uses_left, 0)

    def test_a_token_that_was_over_does_not_count_as_revoked(self) -> None:
        self.note(A, "node1")
        self.peers["node1"].good = False
        self.assertFalse(self.result(self.store.revoke(A)))
        self.assertEqual(self.peers["node1"].revoked, [A])

    def test_the_peer_is_asked_as_it_is_configured_now(self) -> None:
        self.note(A, "node1")
        before, self.peers["node1"] = self.peers["node1"], FakePeer("node1")
        self.assertTrue(self.result(self.store.revoke(A)))
        self.assertEqual((before.revoked, self.peers["node1"].revoked), ([], [A]))

        self.note(B, "node1")
        del self.peers["node1"]
        why = self.failure(self.store.revoke(B), StoreUnavailable)
        self.assertIn("the peer node1 is configured no more", why)

    def test_a_revoked_link_is_revoked_where_it_is_shown(self) -> None:
        self.note(A, "node1", B, signer="portal")
        self.assertTrue(self.result(self.store.revoke_link(A)))
        self.assertEqual(self.peers["node1"].revoked, [B])

    def test_a_revoked_signer_too(self) -> None:
        self.note(A, "node1", signer="portal")
        self.note(B, "node2", signer="other")
        self.result(self.store.revoke_signer("portal"))
        revoked = [peer.revoked for peer in self.peers.values()]
        self.assertEqual(revoked, [[A], []])

    def test_the_last_tokens_of_an_id_are_remembered(self) -> None:
        for number in range(MOST_OF_ONE + 5):
            self.note(A, "node1", str(number))
        found = [each.id for each in self.elsewhere.of(A)]
        self.assertEqual(found, [str(number) for number in range(5, MOST_OF_ONE + 5)])
