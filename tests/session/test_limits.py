"""Limits of sessions, and turns to open them."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from tests.doubles.sessions import SessionTestCase, User
from vncproxy.errors import (
    Busy,
    ClientGone,
    OverLimit,
    ProxyStopping,
    TokenUnknown,
    VNCProxyError,
)
from vncproxy.model import (
    Limits,
    VMAddress,
)
from vncproxy.session.user_request import UserRequest


class LimitTests(SessionTestCase):
    def refused_over_limit(self, user_request: UserRequest) -> OverLimit:
        user = User(self)
        self.begin(user_request, user)
        ((error, _),) = user.refusals
        assert isinstance(error, OverLimit), error
        return error

    def test_sessions_in_all(self) -> None:
        self.serve(limits=Limits(sessions=2))
        for client in ("198.51.100.1", "198.51.100.2"):
            self.begin(self.user_request(client=client), User(self))

        error = self.refused_over_limit(self.user_request(client="198.51.100.3"))

        self.assertIn("2 sessions are open, limits.sessions", str(error))
        self.assertEqual(self.store.calls, ["redeem", "redeem"])

    def test_sessions_of_one_address(self) -> None:
        self.serve(limits=Limits(sessions_per_address=2))
        for _ in range(2):
            self.begin(user=User(self))
        self.begin(self.user_request(client="198.51.100.99"), User(self))

        error = self.refused_over_limit(self.user_request())

        self.assertIn("limits.sessions_per_address", str(error))

    def test_sessions_of_one_machine(self) -> None:
        self.serve(limits=Limits(sessions_per_vm=2))
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        for _ in range(2):
            self.begin(user=User(self))
        self.begin(self.user_request(self.issue(vm=VMAddress("kvm", "db-01"))), User(self))

        error = self.refused_over_limit(self.user_request())

        self.assertIn("2 sessions of kvm/web-01, limits.sessions_per_vm", str(error))
        self.assertEqual(self.uses_given_back(), 0)  # none was taken

    def test_sessions_of_one_user(self) -> None:
        self.serve(limits=Limits(sessions_per_user=1))
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        self.begin(user=User(self))
        self.begin(self.user_request(self.issue(user="bob")), User(self))

        other = self.user_request(self.issue(vm=VMAddress("kvm", "db-01")), client="198.51.100.8")
        error = self.refused_over_limit(other)

        self.assertIn("1 sessions of user alice, limits.sessions_per_user", str(error))

    def test_an_ipv6_address_counts_with_its_network(self) -> None:
        self.serve(limits=Limits(sessions_per_address=2))
        for client in ("2001:db8::1", "2001:db8::2"):
            self.begin(self.user_request(client=client), User(self))

        error = self.refused_over_limit(self.user_request(client="2001:db8::ffff:1:2:3"))

        self.assertIn("2 sessions from 2001:db8::/64", str(error))
        self.begin(self.user_request(client="2001:db8:0:1::1"), User(self))

    def test_a_session_that_fails_to_open_counts_no_more(self) -> None:
        self.serve(limits=Limits(sessions_per_vm=1, sessions_per_user=1, sessions_per_address=1))
        for _ in range(3):
            self.begin(user=User(self))
            self.reactor.refuse()
        self.open()

    def test_a_session_that_has_ended_counts_no_more(self) -> None:
        self.serve(limits=Limits(sessions_per_vm=1, sessions_per_user=1, sessions_per_address=1))
        for _ in range(3):
            self.user = User(self)
            self.open()
            self.user.peer.close()

    def test_a_new_limit_counts_for_the_sessions_that_there_are(self) -> None:
        self.open()
        self.sessions.services = replace(self.sessions.services, limits=Limits(sessions_per_vm=1))
        self.assertIn("1 sessions", str(self.refused_over_limit(self.user_request())))

    def test_every_live_session_is_held_from_its_redemption_to_its_end(self) -> None:
        self.serve(worker_id="w")
        self.begin(user=User(self))
        opening = self.session
        self.console()
        self.open()
        names = {lease.name for lease, _ in self.sessions.held()}
        self.assertEqual(names, {f"w/{opening.id}", f"w/{self.session.id}"})

        opening.cancel(ClientGone())
        self.user.peer.close()
        self.assertEqual(list(self.sessions.held()), [])

    def test_there_is_room_again_when_one_is_over(self) -> None:
        self.serve(limits=Limits(sessions=1))
        self.open()
        self.refused_over_limit(self.user_request())
        self.observer.refusals.clear()

        self.user.peer.close()
        self.user = User(self)

        self.open()


class TurnTests(SessionTestCase):
    """More users than can begin at once wait for their turn, before anything is asked."""

    def setUp(self) -> None:
        super().setUp()
        self.serve(limits=Limits(openings=1, waiting=1))
        self.store.wait["redeem"] = self.redeemed = Deferred[None]()
        self.addCleanup(self.wait, 1)  # ends the turns of those that never open
        self.addCleanup(self.let_redeem)
        self.begin(self.user_request(client="198.51.100.1"), User(self))

    def told_user(self, kind: type[VNCProxyError]) -> VNCProxyError:
        ((error, _),) = self.user.refusals
        self.assertIsInstance(error, kind)
        return error

    def let_redeem(self) -> None:
        self.store.wait.clear()
        if not self.redeemed.called:
            self.redeemed.callback(None)

    def test_token_is_redeemed_when_the_turn_has_come(self) -> None:
        self.begin()
        self.assertEqual(self.store.calls, ["redeem"])
        self.let_redeem()
        self.assertEqual(self.store.calls, ["redeem"])
        self.reactor.refuse()
        self.assertEqual(self.store.calls, ["redeem", "redeem", "restore"])
        self.assertEqual(self.user.steps, ["admit"])

    def test_hypervisor_that_takes_its_time_takes_no_turn_from_others(self) -> None:
        self.let_redeem()
        self.begin()
        self.wait(0.9)
        self.assertEqual(self.store.calls, ["redeem"])
        self.wait(0.2)
        self.assertEqual(self.store.calls, ["redeem", "redeem"])

    def test_viewer_that_leaves_while_it_waits_uses_no_token(self) -> None:
        self.begin()
        self.session.cancel(ClientGone("closed by the peer"))
        self.let_redeem()
        self.assertEqual(self.store.calls, ["redeem"])
        self.told_user(ClientGone)

    def test_user_for_whom_there_is_no_place_is_told_that_it_is_busy(self) -> None:
        self.begin(user=User(self))
        self.begin()
        error = self.told_user(Busy)
        self.assertEqual((error.close_code, error.status), (4115, 503))
        self.assertEqual(self.sessions.admission.waiting, 1)

    def test_user_who_has_waited_too_long_is_told_that_it_is_busy(self) -> None:
        self.begin()
        self.wait(5)
        self.told_user(Busy)
        self.assertEqual(len(self.live_sessions()), 1)

    def test_token_that_is_refused_frees_its_turn(self) -> None:
        self.begin()
        self.store.fail["redeem"] = TokenUnknown("no such token")
        self.let_redeem()
        self.assertEqual(self.store.calls, ["redeem", "redeem"])

    def test_those_who_wait_are_told_when_the_proxy_stops(self) -> None:
        self.begin()
        stopping = Deferred.fromCoroutine(self.sessions.stop())
        self.told_user(ProxyStopping)
        self.let_redeem()
        self.successResultOf(stopping)
