"""Sessions ended in each of their states, and uses of tokens given back."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred

from tests.doubles.sessions import GREETING, VIEWER_RECEIVES, SessionTestCase, StubbornUser, User
from vncproxy.errors import (
    BadRequest,
    ClientGone,
    EndedByAdministrator,
    ProxyStopping,
    StoreUnavailable,
    TokenRevoked,
    TokenUnknown,
    VMNotFound,
)
from vncproxy.model import (
    ConsoleEndpoint,
)
from vncproxy.session.user_request import UserRequest
from vncproxy.testing import SERVER_INIT


class CancelTests(SessionTestCase):
    """Sessions cancelled in each of their states: the first reason counts and is reported once."""

    def end(self) -> None:
        self.session.cancel(EndedByAdministrator())
        self.session.cancel(ProxyStopping())
        self.wait(5)

    def test_while_redeeming_the_use_is_given_back_when_it_was_taken(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.begin()

        self.end()
        self.assertEqual(self.user.refusals, [])
        self.store.wait["redeem"].callback(None)

        self.refused(EndedByAdministrator)
        self.assertEqual(self.store.calls, ["redeem", "restore"])
        self.assertEqual(self.user.steps, ["refuse"])

    def test_while_redeeming_a_token_that_is_not_good(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.store.fail["redeem"] = TokenUnknown()
        self.begin()

        self.end()
        self.store.wait["redeem"].callback(None)

        self.refused(TokenUnknown)

    def test_while_locating(self) -> None:
        locating: Deferred[ConsoleEndpoint] = Deferred()

        class Slow:
            def locate(self, vm: str) -> Awaitable[ConsoleEndpoint]:
                return locating

        self.serve(backends={"kvm": Slow()})
        self.begin()

        self.end()

        self.refused(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)
        self.assertTrue(locating.called)

    def test_while_connecting(self) -> None:
        self.begin()

        self.end()

        self.refused(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)

    def test_while_shaking_hands(self) -> None:
        self.begin()
        hypervisor = self.reactor.accept()

        self.end()

        ((error, _),) = self.user.refusals
        self.assertIsInstance(error, EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)
        hypervisor.send(b"RFB 003.008\n\x01\x01", bytes(4))
        self.wait(5)
        self.refused(EndedByAdministrator)
        self.assertIsNotNone(hypervisor.closed)

    def test_while_greeting(self) -> None:
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING[:5])

        self.end()
        self.wait(5)

        self.refused(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)
        self.assertIsNotNone(hypervisor.closed)

    def test_while_giving_back_the_earlier_reason_stays(self) -> None:
        self.kvm.consoles["web-01"] = VMNotFound()
        self.store.wait["restore"] = Deferred()
        self.begin()

        self.end()
        self.assertEqual(self.user.refusals, [])
        self.store.wait["restore"].callback(None)

        self.refused(VMNotFound)

    def test_while_being_refused_the_earlier_reason_stays(self) -> None:
        self.user = stubborn = StubbornUser(self)
        self.begin(self.user_request(""))

        self.end()
        stubborn.refused.callback(None)

        self.refused(BadRequest)

    def test_while_bytes_flow(self) -> None:
        self.open()

        self.end()

        self.closed(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 0)
        self.assertIsNotNone(self.user.peer.closed)
        self.assertIsNotNone(self.hypervisor.closed)

    def test_while_closing(self) -> None:
        self.open()
        self.user.peer.close()

        self.end()

        self.closed(ClientGone)

    def test_when_it_is_over(self) -> None:
        self.open()
        self.user.peer.close()
        self.hypervisor.close()

        self.end()

        self.closed(ClientGone)


class ConfirmTests(SessionTestCase):
    """A use is given back only where it has shown no screen."""

    def greet(self, user_request: UserRequest | None = None) -> None:
        """Begin a session, and go up to its call of the store."""
        self.store.wait["confirm"] = Deferred()
        self.begin(user_request)
        self.hypervisor = self.console()
        self.user.peer.send(GREETING)

    def test_nothing_is_seen_before_the_store_has_taken_note(self) -> None:
        self.greet()
        self.assertEqual(self.user.peer.receive(), VIEWER_RECEIVES.removesuffix(SERVER_INIT))
        self.assertEqual(self.observer.openings, [])

        self.store.wait["confirm"].callback(None)

        self.assertEqual(self.user.peer.receive(), SERVER_INIT)
        self.assertEqual(len(self.observer.openings), 1)

    def test_a_store_that_does_not_answer_shows_nothing(self) -> None:
        self.store.fail["confirm"] = StoreUnavailable("redis is away")
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.wait(5)

        self.refused(StoreUnavailable)
        self.assertNotIn(SERVER_INIT, self.user.peer.receive())
        self.assertIsNotNone(hypervisor.closed)

    def test_a_use_that_was_lost_meanwhile_shows_nothing(self) -> None:
        self.greet()
        self.store.fail["confirm"] = TokenRevoked()
        self.store.wait["confirm"].callback(None)
        self.wait(5)

        self.refused(TokenRevoked)
        self.assertNotIn(SERVER_INIT, self.user.peer.receive())

    def test_a_session_that_is_ended_meanwhile_is_refused(self) -> None:
        self.greet()
        self.session.cancel(EndedByAdministrator())
        self.assertEqual(self.user.refusals, [])

        self.store.wait["confirm"].callback(None)
        self.wait(5)

        self.refused(EndedByAdministrator)
        self.assertNotIn(SERVER_INIT, self.user.peer.receive())
        self.assertIsNotNone(self.hypervisor.closed)

    def test_a_viewer_that_leaves_meanwhile_gets_its_use_not_back(self) -> None:
        secret = self.issue()
        self.greet(self.user_request(secret))
        self.session.cancel(ClientGone("left"))
        self.store.wait.pop("confirm").callback(None)
        self.wait(5)
        self.refused(ClientGone)

        self.observer.refusals.clear()
        cookie, self.user = self.user.cookie, User(self)
        self.open(self.user_request(secret, resume=cookie))
