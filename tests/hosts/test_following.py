from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.peers import NOVNC, URLS, XVP, FakePeer
from tests.tokens.store_contract import make_token
from vncproxy.errors import (
    AtAnotherProxy,
    BackendError,
    NoGraphicalConsole,
    TokenRefused,
    TokenUsed,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.hosts.directory import Way
from vncproxy.hosts.following import (
    ENTER_TIME,
    TIME_LIMIT,
    TIME_TO_LEARN_THE_ADDRESS,
    Following,
)
from vncproxy.hosts.issued_elsewhere import IssuedElsewhere
from vncproxy.hosts.store import StoreWithPeers
from vncproxy.model import ConsoleType, Grant, Policy, Visit, VMAddress, secret_id
from vncproxy.tokens.memory import MemoryTokenStore
from vncproxy.tokens.refusals import NoProxyForHost

THERE = Way(URLS, "node2")
OFF = VMNotFound("no domain")


class _Directory:
    """What a case says about where machines are."""

    def __init__(self, case: FollowingCase) -> None:
        self._case = case
        self.own_urls = {NOVNC: "https://node1:6080/"}

    async def elsewhere(self, vm: VMAddress) -> Sequence[Way]:
        found = self._case.found
        if found is None:
            await Deferred()
        if isinstance(found, VNCProxyError):
            raise found
        assert found is not None
        return found


class FollowingCase(SynchronousTestCase):
    """A token in memory, whose machine another proxy shows."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.elsewhere = IssuedElsewhere(self.clock.seconds)
        self.store = MemoryTokenStore(self.clock.seconds, 3600, self.clock.seconds)
        self.found: list[Way] | VNCProxyError | None = [THERE]
        self.peer = FakePeer()
        self.following = Following(
            _Directory(self),  # type: ignore[arg-type]
            lambda: self.store,
            self.elsewhere,
            self.clock,
        )

    def result(self, work: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def open(self, **changes: Any) -> tuple[str, Grant]:
        secret = self.result(self.store.issue(make_token(0, **changes)))
        return secret, self.result(self.store.redeem(secret))

    def resumed(self) -> tuple[str, Grant]:
        secret, grant = self.open(policy=Policy(max_duration=100.0))
        self.result(self.store.confirm(grant))
        self.clock.advance(40.0)
        self.cookie = grant.resume_secret
        return secret, self.result(self.store.redeem(secret, grant.resume_secret))

    def follow(
        self,
        secret: str,
        grant: Grant,
        viewer: ConsoleType = NOVNC,
        why: VNCProxyError = OFF,
        *,
        can_follow: bool = True,
    ) -> VNCProxyError:
        following = self.following(grant, secret, viewer, why, can_follow=can_follow)
        error: VNCProxyError = self.result(following)
        return error

    def with_peers(self) -> StoreWithPeers:
        find: Any = {"node2": self.peer}.get
        return StoreWithPeers(self.store, self.elsewhere, find)

    def refused(self, secret: str, cookie: str | None = None) -> None:
        redeeming = Deferred.fromCoroutine(self.store.redeem(secret, cookie))
        self.failureResultOf(redeeming, TokenRefused)


class ProxyTests(FollowingCase):
    def test_the_same_link_is_good_there(self) -> None:
        secret, grant = self.open()

        error = self.follow(secret, grant)

        assert isinstance(error, AtAnotherProxy)
        self.assertEqual(error.url, f"https://node2:6080/?token={secret}")
        self.assertNotIn(secret, f"{error!r} {error} {error.sentence('1')}")
        self.result(self.store.restore(grant))
        self.result(self.store.redeem(secret))

    def test_a_tcp_viewer_is_told_the_address(self) -> None:
        secret, grant = self.open(type=XVP)

        error = self.follow(secret, grant, XVP)

        told = "The virtual machine runs on another host now. Open the same link at node2:6081."
        self.assertEqual(error.sentence(), told)

    def test_a_page_that_does_not_go_there_keeps_its_link_and_its_right_to_re_enter(self) -> None:
        secret, grant = self.open()
        error = self.follow(secret, grant, can_follow=False)
        told = "The virtual machine runs on another host now. Open the same link at node2:6080."
        self.assertEqual(error.sentence(), told)

        self.found = [Way({NOVNC: "http://node2:6080/"}, "node2")]
        secret, grant = self.resumed()
        error = self.follow(secret, grant)

        told = "The virtual machine runs at node2:6080 now. Ask for a new console link."
        self.assertEqual(error.sentence(), told)
        self.assertEqual(self.result(self.store.redeem(secret, self.cookie)).age, 40.0)

    def test_the_right_to_re_enter_moves_by_a_secret_that_is_soon_over(self) -> None:
        secret, grant = self.resumed()

        error = self.follow(secret, grant)

        assert isinstance(error, AtAnotherProxy)
        reenter = error.url.partition("&reenter=")[2]
        there = self.result(self.store.redeem(secret, reenter))
        self.assertTrue(there.resumed)
        self.assertEqual(there.age, 40.0)
        self.clock.advance(ENTER_TIME)
        self.refused(secret, reenter)

    def test_what_has_to_stay_here(self) -> None:
        secret, grant = self.open(visit=Visit("paris", "1", ("paris",)))
        self.assertIs(self.follow(secret, grant), OFF)
        secret, grant = self.open()
        no_screen = NoGraphicalConsole("none")
        self.assertIs(self.follow(secret, grant, why=no_screen), no_screen)

    def test_where_it_is_not_known_the_first_error_stands(self) -> None:
        secret, grant = self.open()
        nothing: list[list[Way] | VNCProxyError] = [[], BackendError("a"), NoProxyForHost("n")]
        for found in nothing:
            self.found = found
            self.assertIs(self.follow(secret, grant), OFF)

    def test_it_does_not_take_long(self) -> None:
        secret, grant = self.open()
        self.found = None
        following = Deferred.fromCoroutine(
            self.following(grant, secret, NOVNC, OFF, can_follow=True)
        )
        self.clock.advance(TIME_LIMIT)
        self.assertIs(self.successResultOf(following), OFF)


class PeerTests(FollowingCase):
    def setUp(self) -> None:
        super().setUp()
        self.found = [Way({}, "node2", self.peer)]  # type: ignore[arg-type]

    def test_it_gives_another_link_and_the_first_is_spent(self) -> None:
        secret, grant = self.open(policy=Policy(uses=0, confirm=True))

        error = self.follow(secret, grant)

        assert isinstance(error, AtAnotherProxy)
        self.assertEqual(error.url, "https://node2:6080/?token=new")
        (token, ttl, hops, running) = self.peer.issued[0]
        self.assertEqual((token.policy.uses, token.policy.confirm), (1, False))
        self.assertEqual((ttl, hops, running), (ENTER_TIME, 1, True))
        self.result(self.store.restore(grant))
        secret, grant = self.open()
        self.follow(secret, grant)
        self.result(self.store.restore(grant))
        self.failureResultOf(Deferred.fromCoroutine(self.store.redeem(secret)), TokenUsed)

    def test_a_tcp_viewer_is_told_where_to_go_with_a_new_link(self) -> None:
        secret, grant = self.open(type=XVP)

        error = self.follow(secret, grant, XVP)

        told = "The virtual machine runs at node2:6081 now. Ask for a new console link."
        self.assertEqual(error.sentence(), told)
        self.result(self.store.restore(grant))
        self.result(self.store.redeem(secret))

    def test_nothing_is_spent_where_the_page_does_not_go_there(self) -> None:
        secret, grant = self.open()

        error = self.follow(secret, grant, can_follow=False)

        told = "The virtual machine runs at node2:6080 now. Ask for a new console link."
        self.assertEqual(error.sentence(), told)
        self.assertEqual(self.peer.issued[0][1], TIME_TO_LEARN_THE_ADDRESS)
        self.result(self.store.restore(grant))
        self.result(self.store.redeem(secret))

    def test_nothing_is_spent_for_a_link_without_encryption(self) -> None:
        self.peer.urls = {NOVNC: "http://node2:6080/"}
        secret, grant = self.open()

        error = self.follow(secret, grant)

        assert isinstance(error, AtAnotherProxy)
        self.assertEqual(error.url, "")
        self.assertIn("The virtual machine runs at node2:6080 now.", error.sentence())
        self.assertEqual(self.peer.revoked, ["9" * 64])
        self.result(self.store.restore(grant))
        self.result(self.store.redeem(secret))

    def test_the_right_to_re_enter_is_over_and_what_is_left_of_the_duration_goes_on(self) -> None:
        secret, grant = self.resumed()
        self.follow(secret, grant)

        self.assertEqual(self.peer.issued[0][0].policy.max_duration, 60.0)
        again = Deferred.fromCoroutine(self.store.renew(grant))
        self.failureResultOf(again, TokenRefused)

    def test_a_peer_that_is_away_is_passed_over(self) -> None:
        secret, grant = self.open()
        away = FakePeer()
        away.problem = NoProxyForHost("away")
        self.found = [Way({}, "node3", away), Way({}, "node2", self.peer)]  # type: ignore[arg-type]
        self.assertIsInstance(self.follow(secret, grant), AtAnotherProxy)

    def test_revoking_the_first_token_revokes_what_took_its_place(self) -> None:
        secret, grant = self.open()
        self.follow(secret, grant)
        store = self.with_peers()

        self.assertTrue(self.result(store.revoke(secret_id(secret))))

        self.assertEqual(self.peer.revoked, ["9" * 64])
        self.assertFalse(self.result(store.revoke(secret_id(secret))))

    def test_revoking_by_machine_and_by_user_too(self) -> None:
        for revoke, of in (("revoke_vm", VMAddress("kvm", "web-01")), ("revoke_user", "alice")):
            secret, grant = self.open()
            self.follow(secret, grant)
            store = self.with_peers()
            self.result(getattr(store, revoke)(of))
        self.assertEqual(self.peer.revoked, ["9" * 64] * 2)
