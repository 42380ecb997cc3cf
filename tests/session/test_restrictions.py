"""Sessions whose policy restricts what passes between viewer and console."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.doubles.sessions import GREETING, SessionTestCase
from tests.doubles.viewer_messages import (
    CONTROLLING,
    FENCE,
    KEY,
    REQUEST_UPDATE,
    cut_text,
    pixel_format,
    server_cut_text,
)
from vncproxy.errors import UpstreamViolation, ViewerMessageRefused
from vncproxy.model import Clipboard, Mode, Policy
from vncproxy.rfb.server_init import desktop_name
from vncproxy.testing import SERVER_INIT, MemoryPeer, ScriptedRFBServer, rfb_script

BELL = b"\2"
VIEW_ONLY = Policy(mode=Mode.VIEW_ONLY)


class RestrictedTestCase(SessionTestCase):
    def watch(self, policy: Policy, *, name: str = "", **request: Any) -> MemoryPeer:
        """Open a session with this policy; returns the console."""
        self.begin(self.user_request(self.issue(policy=policy), **request))
        hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.name = desktop_name(self.user.peer.receive()[-len(SERVER_INIT) - len(name) :])
        return hypervisor


class ViewOnlyTests(RestrictedTestCase):
    def test_only_messages_for_watching_reach_the_console(self) -> None:
        hypervisor = self.watch(VIEW_ONLY)

        for message in CONTROLLING:
            self.user.peer.send(message)
        self.user.peer.send(cut_text(b"text") + REQUEST_UPDATE + KEY)

        self.assertEqual(hypervisor.receive(), REQUEST_UPDATE)

    def test_what_the_viewer_sent_with_its_greeting_is_filtered_too(self) -> None:
        self.begin(self.user_request(self.issue(policy=VIEW_ONLY)))
        hypervisor = self.console()

        self.user.peer.send(GREETING + KEY + REQUEST_UPDATE)

        self.assertEqual(hypervisor.receive(), REQUEST_UPDATE)

    def test_the_console_is_not_parsed(self) -> None:
        hypervisor = self.watch(VIEW_ONLY)

        hypervisor.send(b"no message of a server")

        self.assertEqual(self.user.peer.receive(), b"no message of a server")

    def test_a_tcp_viewer_finds_it_behind_the_desktop_name(self) -> None:
        self.watch(VIEW_ONLY, name=" (view only)")
        self.assertEqual(self.name, "scripted (view only)")

    def test_the_page_is_told_before_the_screen(self) -> None:
        said: list[tuple[str, bytes]] = []
        self.user.leg.tell = lambda text: said.append(  # type: ignore[method-assign]
            (text, self.user.peer.receive())
        )

        self.watch(VIEW_ONLY, can_move=True)

        [(text, before)] = said
        self.assertEqual(text, "vncproxy:view-only")
        self.assertNotIn(SERVER_INIT, before)
        self.assertEqual(self.name, "scripted")

    def test_others_are_told_nothing(self) -> None:
        self.user.leg.tell = lambda text: self.fail(text)  # type: ignore[method-assign]

        self.watch(Policy(), can_move=True)

        self.assertEqual(self.name, "scripted")


class ClipboardTests(RestrictedTestCase):
    def test_texts_pass_in_the_allowed_direction_only(self) -> None:
        text = cut_text(b"from the viewer")
        for clipboard, up, down in (
            (Clipboard.TO_GUEST, text, b""),
            (Clipboard.FROM_GUEST, b"", server_cut_text(b"from the guest")),
            (Clipboard.NONE, b"", b""),
        ):
            self.setUp()
            hypervisor = self.watch(Policy(clipboard=clipboard))
            self.user.peer.send(text + KEY)
            hypervisor.send(server_cut_text(b"from the guest") + BELL)

            self.assertEqual(hypervisor.receive(), up + KEY)
            self.assertEqual(self.user.peer.receive(), down + BELL)

    def test_a_console_that_cannot_be_parsed_ends_the_session(self) -> None:
        hypervisor = self.watch(Policy(clipboard=Clipboard.NONE))

        hypervisor.send(BELL + b"\xee" + server_cut_text(b"text"))

        self.closed(UpstreamViolation)
        self.assertEqual(self.user.peer.receive(), b"")

    def test_a_console_whose_pixels_cannot_be_is_refused_and_closed(self) -> None:
        self.begin(self.user_request(self.issue(policy=Policy(clipboard=Clipboard.NONE))))
        wrong = SERVER_INIT[:4] + b"\7" + SERVER_INIT[5:]
        hypervisor = self.console(ScriptedRFBServer(partial(rfb_script, server_init=wrong)))
        self.user.peer.send(GREETING)
        self.reactor.advance(self.timeouts.linger)

        self.assertIsNotNone(hypervisor.closed)
        error = self.refused(UpstreamViolation)
        self.assertIn("7 bits per pixel", error.detail)
        self.assertEqual(self.uses_given_back(), 1)


class RefusedTests(RestrictedTestCase):
    def test_a_message_that_harms_servers_ends_the_session(self) -> None:
        hypervisor = self.watch(VIEW_ONLY)

        self.user.peer.send(FENCE + pixel_format(bits=7) + FENCE)

        self.assertEqual(hypervisor.receive(), b"")
        self.closed(ViewerMessageRefused)
        [(_, why)] = self.observer.closings
        self.assertEqual(why.detail, "pixel format: 7 bits per pixel, expected 8, 16 or 32")

    def test_one_that_came_with_the_greeting_ends_the_session_at_once(self) -> None:
        self.begin(self.user_request(self.issue(policy=VIEW_ONLY)))
        hypervisor = self.console()

        self.user.peer.send(GREETING + FENCE + pixel_format(bits=7))

        self.assertEqual(hypervisor.receive(), b"")
        self.closed(ViewerMessageRefused)

    def test_an_unrestricted_session_is_not_parsed(self) -> None:
        hypervisor = self.watch(Policy())

        self.user.peer.send(pixel_format(bits=7))

        self.assertEqual(hypervisor.receive(), pixel_format(bits=7))

    def test_all_sessions_are_checked_where_that_is_configured(self) -> None:
        self.serve(check_viewers=True)
        hypervisor = self.watch(Policy())
        self.user.peer.send(KEY)
        self.assertEqual(hypervisor.receive(), KEY)

        self.user.peer.send(pixel_format(bits=7))

        self.assertEqual(hypervisor.receive(), b"")
        self.closed(ViewerMessageRefused)
