"""One console from redeem to an open session, over doubles."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.doubles.proxy_in_memory import WEB_01
from tests.doubles.sessions import GREETING, VIEWER_RECEIVES, SessionTestCase, hypervisor_bytes
from vncproxy.errors import (
    ClientGone,
    DownstreamViolation,
    EndedByAdministrator,
)
from vncproxy.interfaces import ISessionObserver
from vncproxy.model import (
    ConsoleEndpoint,
)
from vncproxy.session.downstream import IDownstream
from vncproxy.testing import ScriptedRFBServer, rfb_script


class OpeningTests(SessionTestCase):
    def test_the_doubles_are_what_they_stand_for(self) -> None:
        verifyObject(IDownstream, self.user)
        verifyObject(ISessionObserver, self.observer)

    def test_a_console_is_opened_step_by_step(self) -> None:
        self.begin()
        self.assertEqual(self.store.calls, ["redeem"])
        self.assertEqual(self.user.steps, ["admit"])
        self.assertEqual(self.kvm.asked, ["web-01"])
        self.assertEqual(self.reactor.tcpClients[0][:2], ("192.0.2.10", 5900))

        hypervisor = self.console()
        self.assertEqual(self.user.steps, ["admit", "open"])
        self.assertEqual(self.observer.openings, [])

        self.user.peer.send(GREETING)
        self.assertEqual(self.user.peer.receive(), VIEWER_RECEIVES)
        self.assertEqual([info.id for info in self.observer.openings], [self.session.id])

        self.user.peer.send(b"key")
        hypervisor.send(b"pixels")
        self.assertEqual((hypervisor.receive(), self.user.peer.receive()), (b"key", b"pixels"))
        self.assertEqual(self.store.calls, ["redeem", "confirm"])

    def test_what_a_viewer_sends_with_its_greeting_reaches_the_console(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.user.peer.send(GREETING + b"messages")

        self.assertEqual(hypervisor.receive(), b"messages")

    def test_what_the_console_sends_with_server_init_reaches_the_viewer(self) -> None:
        self.begin()
        self.console(ScriptedRFBServer(partial(rfb_script, greeting=b"pixels")))

        self.user.peer.send(GREETING)

        self.assertEqual(self.user.peer.receive(), VIEWER_RECEIVES + b"pixels")

    def test_the_machine_is_called_as_its_endpoint_says(self) -> None:
        endpoint = self.kvm.consoles["web-01"]
        assert isinstance(endpoint, ConsoleEndpoint)
        self.kvm.consoles["web-01"] = replace(endpoint, name="Webserver")
        self.begin()
        self.console()

        self.user.peer.send(GREETING)

        self.assertTrue(self.user.peer.receive().endswith(b"\0\0\0\x09Webserver"))

    def test_info_grows_with_what_is_known(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.begin()
        (early,) = self.live_sessions()
        self.assertEqual((early.vm, early.user, early.client), (None, "", "198.51.100.7"))

        self.store.wait["redeem"].callback(None)
        self.wait(2)
        hypervisor = self.console()
        self.user.peer.send(GREETING + b"12345")
        hypervisor.send(b"123")

        (info,) = self.live_sessions()
        self.assertEqual((info.id, info.vm, info.user), (self.session.id, WEB_01, "alice"))
        self.assertEqual((info.seconds, info.token_id), (2, self.session.grant.token_id))  # type: ignore[union-attr]
        self.assertEqual(info.bytes_down, hypervisor_bytes(b"123"))
        self.assertEqual(info.bytes_up, len(GREETING) + 5)

    def test_no_secret_is_in_what_a_visit_shows(self) -> None:
        user_request = self.user_request("secret-secret-secret", resume="resume-resume-resume")

        self.assertNotIn("secret-secret", repr(user_request))
        self.assertNotIn("resume-resume", repr(user_request))


class GreetingTests(SessionTestCase):
    def test_a_viewer_that_leaves_during_the_greeting(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.user.peer.close()

        self.assertIsNotNone(hypervisor.half_closed)
        self.wait(5)
        self.refused(ClientGone)
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_viewer_that_is_silent(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.wait(30)
        self.wait(5)
        self.wait(5)

        self.refused(ClientGone)
        self.assertIsNotNone(hypervisor.closed)

    def test_a_viewer_that_speaks_something_else(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.user.peer.send(b"GET / HTTP/1.1\r\n\r\n")
        self.wait(5)

        self.refused(DownstreamViolation)
        self.assertIsNotNone(hypervisor.closed)


class EndedWhileGreetingTests(SessionTestCase):
    """The refusal goes on where the greeting was, and repeats no message."""

    def heard(self, *said: bytes) -> bytes:
        """End a session whose viewer has sent this much, then let it send the rest."""
        self.setUp()
        before, *after = said
        self.begin()
        self.console()
        self.user.peer.send(before)
        self.session.cancel(EndedByAdministrator())
        self.user.peer.send(*after)
        self.assertTrue(self.user.peer.half_closed, "told at once")
        return self.user.peer.receive()

    def reason(self) -> bytes:
        words = EndedByAdministrator().sentence(self.session.id).encode()
        return len(words).to_bytes(4, "big") + words

    def test_before_the_version(self) -> None:
        for first in (b"", b"RFB 0"):
            rest = b"RFB 003.008\n"[len(first) :]
            self.assertEqual(self.heard(first, rest), b"RFB 003.008\n\0" + self.reason())

    def test_before_the_choice_of_3_8(self) -> None:
        heard = self.heard(b"RFB 003.008\n", b"\x01")
        self.assertEqual(heard, b"RFB 003.008\n\x01\x01\0\0\0\x01" + self.reason())

    def test_behind_the_security_phase_nothing_more_is_said(self) -> None:
        for said, heard in (
            (b"RFB 003.008\n\x01", b"\x01\x01" + bytes(4)),
            (b"RFB 003.007\n", b"\x01\x01"),
            (b"RFB 003.003\n", b"\0\0\0\x01"),
        ):
            self.assertEqual(self.heard(said), b"RFB 003.008\n" + heard)

    def test_a_wrong_choice_is_answered(self) -> None:
        self.begin()
        self.console()
        self.user.peer.send(b"RFB 003.008\n\x02")

        words = DownstreamViolation().sentence(self.session.id).encode()
        reason = len(words).to_bytes(4, "big") + words
        heard = b"RFB 003.008\n\x01\x01\0\0\0\x01" + reason
        self.assertEqual(self.user.peer.receive(), heard)


class DefectTests(SessionTestCase):
    """A third party's backend whose endpoint has an invalid handshake."""

    def setUp(self) -> None:
        super().setUp()
        endpoint = self.kvm.consoles["web-01"]
        assert isinstance(endpoint, ConsoleEndpoint)
        nonsense: Any = ("a handshake that is none",)
        self.kvm.consoles["web-01"] = replace(endpoint, handshakes=nonsense)

    def test_a_handshake_that_breaks_is_told_at_once_and_stands_in_the_log(self) -> None:
        self.begin()
        self.reactor.accept().send(b"RFB 003.008\n\x01\x01")

        ((error, session_id),) = self.user.refusals
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertEqual(
            error.sentence(session_id),
            f"The hypervisor could not show the console. Ask your administrator, id {session_id}.",
        )
