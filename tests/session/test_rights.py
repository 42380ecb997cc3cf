"""What a user may do, changed while the session opens and while it is open."""

from __future__ import annotations

import json
from typing import Any

from tests.doubles.sessions import GREETING, SessionTestCase
from tests.doubles.viewer_messages import KEY, POINTER, REQUEST_UPDATE
from vncproxy.errors import ClientGone, ModeFixed
from vncproxy.model import Mode, Policy, Sharing
from vncproxy.rfb.server_init import desktop_name
from vncproxy.session.rights import Rights
from vncproxy.testing import SERVER_INIT, MemoryPeer

KEY_UP = bytes.fromhex("04 00 0000 00000041")
VIEW_ONLY = Policy(mode=Mode.VIEW_ONLY)
ONE_DRIVER = Policy(sharing=Sharing.ONE_DRIVER)


class RightsTestCase(SessionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve_together(check_viewers=True)

    def start(self, policy: Policy | None = None, **request: Any) -> MemoryPeer:
        """Open a session; returns its console."""
        self.begin(self.user_request(self.issue(policy=policy or Policy()), **request))
        hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.name = desktop_name(self.user.peer.receive()[16 + 2 :])
        return hypervisor

    @property
    def rights(self) -> Rights:
        return self.session.rights


class ChangeTests(RightsTestCase):
    def test_keys_pass_as_long_as_the_mode_says_so(self) -> None:
        hypervisor, seen = self.start(), []

        for mode in (Mode.VIEW_ONLY, Mode.CONTROL):
            self.rights.set_mode(mode, "desk")
            self.user.peer.send(KEY + KEY_UP + REQUEST_UPDATE)
            seen.append(hypervisor.receive())

        self.assertEqual(seen, [REQUEST_UPDATE, KEY + KEY_UP + REQUEST_UPDATE])

    def test_what_is_held_down_is_released_at_once(self) -> None:
        hypervisor = self.start()
        self.user.peer.send(KEY + POINTER)
        hypervisor.receive()

        self.rights.set_mode(Mode.VIEW_ONLY, "desk")

        self.assertEqual(hypervisor.receive(), KEY_UP + POINTER[:1] + b"\0" + POINTER[2:])

    def test_the_audit_log_has_each_change_with_the_name_of_its_author(self) -> None:
        self.start()

        self.rights.set_mode(Mode.VIEW_ONLY, "desk")
        self.rights.set_mode(Mode.VIEW_ONLY, "desk")
        self.rights.set_mode(Mode.CONTROL, "bob")

        changes = [(info.mode, by) for info, by in self.observer.changes]
        self.assertEqual(changes, [(Mode.VIEW_ONLY, "desk"), (Mode.CONTROL, "bob")])
        self.assertEqual({info.id for info, _ in self.observer.changes}, {self.session.id})

    def test_the_page_is_told(self) -> None:
        said: list[str] = []
        self.start(can_talk=True, can_move=True)
        self.user.leg.tell = said.append  # type: ignore[method-assign,assignment]

        self.rights.set_mode(Mode.VIEW_ONLY, "desk")
        self.rights.set_mode(Mode.CONTROL, "")

        told = [json.loads(text.removeprefix("vncproxy:")) for text in said]
        self.assertEqual(
            told,
            [
                {"event": "mode", "mode": "view-only", "by": "desk"},
                {"event": "mode", "mode": "control", "by": ""},
            ],
        )

    def test_the_list_of_sessions_shows_what_it_is_now(self) -> None:
        self.start()
        self.rights.set_mode(Mode.VIEW_ONLY, "desk")

        self.assertEqual([info.mode for info in self.live_sessions()], [Mode.VIEW_ONLY])

    def test_after_the_end_nothing_happens(self) -> None:
        self.start()
        self.user.peer.close()

        self.rights.set_mode(Mode.VIEW_ONLY, "desk")
        self.rights.hold("other driver")

        self.assertEqual(self.observer.changes, [])
        self.closed(ClientGone)


class HoldTests(RightsTestCase):
    def test_control_needs_the_mode_and_no_hold(self) -> None:
        hypervisor = self.start(ONE_DRIVER)
        seen = []
        for step in (
            lambda: self.rights.hold("driver", "ann"),
            lambda: self.rights.hold("pause"),
            lambda: self.rights.release("driver"),
            lambda: self.rights.set_mode(Mode.VIEW_ONLY),
            lambda: self.rights.release("pause"),
            lambda: self.rights.set_mode(Mode.CONTROL),
        ):
            step()
            self.user.peer.send(KEY + KEY_UP)
            seen.append(bool(hypervisor.receive()))

        self.assertEqual(seen, [False] * 5 + [True])
        self.assertEqual(len(self.observer.changes), 2)

    def test_a_hold_counts_once(self) -> None:
        self.start()
        self.rights.hold("driver")
        self.rights.hold("driver")
        self.rights.release("driver")

        self.assertTrue(self.rights.may_control)

    def test_a_hold_that_was_never_set_is_released_without_effect(self) -> None:
        self.start()
        self.rights.release("driver")

        self.assertEqual(self.observer.changes, [])


class OpeningTests(RightsTestCase):
    def test_a_change_before_the_stages_are_made_counts(self) -> None:
        self.serve(check_viewers=False)
        self.begin(self.user_request(self.issue()))
        self.rights.set_mode(Mode.VIEW_ONLY, "desk")
        hypervisor = self.console()
        self.user.peer.send(GREETING + KEY + REQUEST_UPDATE)

        self.assertEqual(hypervisor.receive(), REQUEST_UPDATE)
        self.assertEqual(
            desktop_name(self.user.peer.receive()[-len(SERVER_INIT) - len(" (view only)") :]),
            "scripted (view only)",
        )

    def test_a_change_after_them_counts_too(self) -> None:
        self.begin(self.user_request(self.issue()))
        hypervisor = self.console()
        self.rights.set_mode(Mode.VIEW_ONLY, "desk")
        self.user.peer.send(GREETING + KEY + REQUEST_UPDATE)

        self.assertEqual(hypervisor.receive(), REQUEST_UPDATE)

    def test_control_that_was_given_meanwhile_counts_too(self) -> None:
        self.begin(self.user_request(self.issue(policy=VIEW_ONLY)))
        hypervisor = self.console()
        self.rights.set_mode(Mode.CONTROL, "desk")
        self.user.peer.send(GREETING + KEY)

        self.assertEqual(hypervisor.receive(), KEY)


class FixedTests(RightsTestCase):
    """A session whose viewer nothing parses."""

    def setUp(self) -> None:
        super().setUp()
        self.serve(check_viewers=False)

    def test_its_mode_cannot_change(self) -> None:
        hypervisor = self.start()
        self.assertFalse(self.rights.can_change)
        for change in (
            lambda: self.rights.set_mode(Mode.VIEW_ONLY, "desk"),
            lambda: self.rights.hold("driver"),
        ):
            self.assertRaises(ModeFixed, change)

        self.user.peer.send(KEY)
        self.assertEqual(hypervisor.receive(), KEY)
        self.assertTrue(self.rights.may_control)

    def test_not_even_before_its_relay_begins(self) -> None:
        self.begin(self.user_request(self.issue()))
        self.console()

        self.assertRaises(ModeFixed, self.rights.set_mode, Mode.VIEW_ONLY, "desk")

    def test_what_it_has_already_may_be_set(self) -> None:
        self.start()
        self.rights.set_mode(Mode.CONTROL, "desk")

        self.assertEqual(self.observer.changes, [])
