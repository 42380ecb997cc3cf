"""The mode of a live session, changed by an administrator."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.sessions import GREETING, SessionTestCase, User
from tests.doubles.viewer_messages import KEY
from vncproxy.errors import ClientGone, ModeChanged, ModeFixed, StoreUnavailable
from vncproxy.model import Changed, Mode, Policy, Visit, secret_id
from vncproxy.session.changing import LEAVE_TIME
from vncproxy.session.user_request import UserRequest
from vncproxy.testing import MemoryPeer

KEY_UP = bytes.fromhex("04 00 0000 00000041")


class ChangingTestCase(SessionTestCase):
    def change(self, mode: Mode, session_id: str = "") -> Changed:
        changing = self.sessions.change(session_id or self.session.id, mode, "key desk")
        return self.successResultOf(Deferred.fromCoroutine(changing))

    def refused_change(self, mode: Mode) -> ModeFixed:
        changing = self.sessions.change(self.session.id, mode, "key desk")
        failure = self.failureResultOf(Deferred.fromCoroutine(changing), ModeFixed)
        assert isinstance(failure.value, ModeFixed)
        return failure.value

    def watch(self, request: UserRequest, user: User | None = None) -> MemoryPeer:
        """Open a session; returns its console."""
        user = user or User(self)
        self.user = user
        self.begin(request, user)
        hypervisor = self.console()
        user.peer.send(GREETING)
        user.peer.receive()
        return hypervisor

    def page(self, **more: Any) -> UserRequest:
        return self.user_request(can_move=True, can_talk=True, **more)

    def cookie(self) -> str:
        assert self.user.cookie is not None
        return self.user.cookie

    def passes(self, hypervisor: MemoryPeer) -> bool:
        self.user.peer.send(KEY + KEY_UP)
        return bool(hypervisor.receive())


class FilteredTests(ChangingTestCase):
    """Sessions whose viewer is parsed."""

    def setUp(self) -> None:
        super().setUp()
        self.serve(check_viewers=True)

    def test_it_changes_at_once_in_both_directions(self) -> None:
        hypervisor = self.watch(self.user_request())
        seen = []
        for mode in (Mode.VIEW_ONLY, Mode.CONTROL):
            self.assertEqual(self.change(mode), Changed(known=True))
            seen.append(self.passes(hypervisor))

        self.assertEqual(seen, [False, True])
        self.assertEqual([by for _, by in self.observer.changes], ["key desk"] * 2)

    def test_a_reload_does_not_bring_control_back(self) -> None:
        token = self.issue()
        self.watch(self.page(token=token))
        self.change(Mode.VIEW_ONLY)
        cookie = self.cookie()

        hypervisor = self.watch(self.page(token=token, resume=cookie))

        self.assertFalse(self.passes(hypervisor))
        self.assertEqual([info.mode for info in self.live_sessions()], [Mode.VIEW_ONLY])

    def test_control_beyond_the_policy_is_given_and_outlives_a_reload(self) -> None:
        token = self.issue(policy=Policy(mode=Mode.VIEW_ONLY))
        self.watch(self.page(token=token))
        self.change(Mode.CONTROL)

        hypervisor = self.watch(self.page(token=token, resume=self.cookie()))

        self.assertTrue(self.passes(hypervisor))

    def test_the_name_of_the_key_is_for_the_audit_log_and_not_for_the_page(self) -> None:
        said: list[str] = []
        self.watch(self.page())
        self.user.leg.tell = said.append  # type: ignore[method-assign,assignment]

        self.change(Mode.VIEW_ONLY)

        [text] = said
        told = json.loads(text.removeprefix("vncproxy:"))
        self.assertEqual(told, {"event": "mode", "mode": "view-only", "by": ""})

    def test_one_of_another_zone_is_not_changed_where_nothing_would_remember_it(self) -> None:
        visit = Visit("madrid", "7f3a0001c44be902", ())
        hypervisor = self.watch(self.user_request(self.issue(visit=visit)))

        self.assertIn("zone madrid", self.refused_change(Mode.VIEW_ONLY).sentence())
        self.assertTrue(self.passes(hypervisor))

    def test_the_caller_learns_that_a_newer_session_keeps_its_mode(self) -> None:
        token = self.issue()
        self.watch(self.page(token=token))
        redeeming = self.store.redeem(token, self.cookie())
        self.successResultOf(Deferred.fromCoroutine(redeeming))

        self.assertIn("Try again", self.refused_change(Mode.VIEW_ONLY).sentence())

    def test_one_whose_cookie_is_good_no_more_changes_for_itself(self) -> None:
        token = self.issue()
        hypervisor = self.watch(self.page(token=token))
        self.successResultOf(Deferred.fromCoroutine(self.store.revoke(secret_id(token))))

        self.assertEqual(self.change(Mode.VIEW_ONLY), Changed(known=True))
        self.assertFalse(self.passes(hypervisor))

    def test_ten_changes_in_a_row_end_with_the_last_one(self) -> None:
        hypervisor = self.watch(self.user_request())
        for _ in range(5):
            self.user.peer.send(KEY)
            self.change(Mode.VIEW_ONLY)
            self.change(Mode.CONTROL)

        self.assertEqual(hypervisor.receive(), (KEY + KEY_UP) * 5)
        self.assertTrue(self.passes(hypervisor))


class OpeningTests(ChangingTestCase):
    def test_before_its_token_is_redeemed_the_caller_is_asked_to_try_again(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.begin()

        self.assertIn("Try again", self.refused_change(Mode.VIEW_ONLY).sentence())

    def test_a_change_while_the_console_is_dialled_is_remembered_once_it_is_open(self) -> None:
        token = self.issue()
        self.begin(self.page(token=token))
        self.assertEqual(self.change(Mode.VIEW_ONLY), Changed(known=True))
        hypervisor = self.console()
        self.user.peer.send(GREETING)

        self.assertFalse(self.passes(hypervisor))
        again = self.watch(self.page(token=token, resume=self.cookie()))
        self.assertFalse(self.passes(again))

    def test_it_is_remembered_in_the_same_step_that_makes_the_cookie_good(self) -> None:
        """The store is away after that step: the session ends, and the browser has its cookie."""
        self.serve(check_viewers=True)
        token = self.issue()
        self.begin(self.page(token=token))
        self.assertEqual(self.change(Mode.VIEW_ONLY), Changed(known=True))
        self.store.fail["remember_mode"] = StoreUnavailable("away")
        self.console()
        self.user.peer.send(GREETING)

        again = self.watch(self.page(token=token, resume=self.cookie()))
        self.assertFalse(self.passes(again))

    def test_a_change_while_the_store_confirms_is_remembered_behind_it(self) -> None:
        self.serve(check_viewers=True)
        token, self.store.wait["confirm"] = self.issue(), Deferred()
        self.begin(self.page(token=token))
        self.console()
        self.user.peer.send(GREETING)
        self.assertEqual(self.change(Mode.VIEW_ONLY), Changed(known=True))
        self.store.wait.pop("confirm").callback(None)

        again = self.watch(self.page(token=token, resume=self.cookie()))
        self.assertFalse(self.passes(again))

    def test_a_page_that_is_almost_open_is_not_changed_and_the_caller_told(self) -> None:
        self.begin(self.page())
        self.console()

        self.assertIn("Try again", self.refused_change(Mode.VIEW_ONLY).sentence())
        self.user.peer.send(GREETING)
        self.assertEqual(self.change(Mode.VIEW_ONLY), Changed(known=True, reenters=True))


class ByPageTests(ChangingTestCase):
    """Sessions that nothing parses, and whose page enters again."""

    def setUp(self) -> None:
        super().setUp()
        self.said: list[str] = []
        self.token = self.issue()
        self.hypervisor = self.watch(self.page(token=self.token))
        self.user.leg.tell = self.said.append  # type: ignore[method-assign,assignment]
        self.resume = self.cookie()

    def reenter(self) -> MemoryPeer:
        return self.watch(self.page(token=self.token, resume=self.resume))

    def test_the_page_is_asked_to_enter_again_and_has_the_new_mode_then(self) -> None:
        self.assertEqual(self.change(Mode.VIEW_ONLY), Changed(known=True, reenters=True))

        told, move = self.said
        self.assertIn('"mode": "view-only"', told)
        self.assertEqual(move, "vncproxy:move")
        self.assertFalse(self.passes(self.reenter()))

    def test_one_that_does_not_leave_is_sent_away(self) -> None:
        self.change(Mode.VIEW_ONLY)
        self.reactor.advance(LEAVE_TIME)

        info, why = self.observer.closings[0]
        self.assertIsInstance(why, ModeChanged)
        self.assertEqual((info.id, why.detail), (self.session.id, "view-only by key desk"))
        self.assertFalse(self.passes(self.reenter()))

    def test_the_last_of_several_changes_counts(self) -> None:
        self.change(Mode.VIEW_ONLY)
        self.assertTrue(self.change(Mode.CONTROL).reenters)
        self.assertTrue(self.passes(self.reenter()))

    def test_what_it_is_already_changes_nothing(self) -> None:
        self.assertEqual(self.change(Mode.CONTROL), Changed(known=True))
        self.reactor.advance(LEAVE_TIME)

        self.assertEqual((self.said, self.observer.closings), ([], []))

    def test_once_it_has_entered_again_it_changes_at_once(self) -> None:
        self.change(Mode.VIEW_ONLY)
        hypervisor = self.reenter()

        self.assertEqual(self.change(Mode.CONTROL), Changed(known=True))
        self.assertTrue(self.passes(hypervisor))

    def test_one_whose_browser_has_entered_again_elsewhere_is_not_changed(self) -> None:
        """The order to end it has not come yet; another proxy has taken its cookie over."""
        redeeming = self.store.redeem(self.token, self.resume)
        self.successResultOf(Deferred.fromCoroutine(redeeming))

        self.assertIn("Try again", self.refused_change(Mode.VIEW_ONLY).sentence())
        self.assertEqual(self.said, [])


class FixedTests(ChangingTestCase):
    def test_other_viewers_keep_their_mode_and_the_caller_is_told_what_to_do(self) -> None:
        for request in (self.user_request(), self.user_request(can_talk=True)):
            hypervisor = self.watch(request)
            self.assertIn("issue a link", self.refused_change(Mode.VIEW_ONLY).sentence())
            self.assertTrue(self.passes(hypervisor))
            self.assertEqual(self.change(Mode.CONTROL), Changed(known=True))

    def test_one_of_another_zone_is_changed_there(self) -> None:
        visit = Visit("madrid", "7f3a0001c44be902", ())
        self.watch(self.user_request(self.issue(visit=visit)))

        sentence = self.refused_change(Mode.VIEW_ONLY).sentence()

        self.assertIn("zone madrid as session 7f3a0001c44be902", sentence)

    def test_one_that_is_ending_or_has_ended_is_not_known(self) -> None:
        self.watch(self.user_request())
        self.session.cancel(ClientGone())
        for session_id in ("", "nothing"):
            self.assertEqual(self.change(Mode.VIEW_ONLY, session_id), Changed(known=False))
