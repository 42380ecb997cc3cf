"""Native viewers: login over RFB, refusals, and what strangers send."""

from __future__ import annotations

import gc
import ssl
import weakref

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from tests.doubles.native_viewers import BANNER, NEGOTIATION, OFFERS, NativeCase, plain
from tests.doubles.starttls_peer import TLSClient
from vncproxy.errors import ClientGone, EndedByAdministrator, TokenUsed
from vncproxy.model import ConsoleType, Limits
from vncproxy.testing import SERVER_INIT


def lines(events: list[dict[str, object]]) -> list[str]:
    return [formatEvent(event) for event in events]


class OpeningTests(NativeCase):
    def test_the_token_is_the_password(self) -> None:
        hypervisor = self.open()

        self.tls.send(b"key")
        hypervisor.send(b"pixels")

        self.assertEqual(hypervisor.receive(), b"key")
        self.assertEqual(self.tls.receive(), b"pixels")
        self.assertIs(self.observer.openings[0].type, ConsoleType.XVPVNC)
        self.assertEqual(self.observer.openings[0].client, "192.0.2.1")

    def test_a_link_may_be_the_password_and_blanks_around_it_are_ignored(self) -> None:
        for form in (
            "http://localhost:6081/console?token={}",
            "https://console.example.com/#token={}",
            " {}\r\n",
        ):
            self.open(form.format(self.issue()))

    def test_any_user_name_is_good(self) -> None:
        for name in ("", "bob", "n" * 1024):
            self.log_in(self.issue(), name)
            self.console()
            self.assertEqual(self.tls.receive(), bytes(4))

    def test_no_result_comes_before_the_console_is_there(self) -> None:
        self.log_in(self.issue())
        self.assertEqual(self.tls.receive(), b"")

    def test_everything_in_single_bytes(self) -> None:
        self.connect()
        for byte in b"".join(NEGOTIATION):
            self.peer.send(bytes([byte]))
        self.assertEqual(self.peer.receive(), OFFERS)
        tls = self.start_tls()
        tls.send(*(bytes([byte]) for byte in plain(b"a", self.issue().encode())))
        self.console()

        self.assertEqual(tls.receive(), bytes(4))

    def test_what_a_viewer_sends_early_is_kept(self) -> None:
        tls = self.negotiate()
        tls.send(plain(b"a", self.issue().encode()) + b"\x01")

        self.console()

        self.assertEqual(tls.receive(), bytes(4) + SERVER_INIT)

    def test_no_time_limit_of_the_login_is_left(self) -> None:
        self.open()

        self.reactor.pump([1] * 1000)

        self.assertIsNone(self.peer.closed)

    def test_a_connection_that_is_over_is_not_kept_alive(self) -> None:
        hypervisor = self.open()
        gone = weakref.ref(self.peer)
        self.peer.reset()
        hypervisor.close()

        del self.peer, self.tls
        gc.collect()

        self.assertIsNone(gone())

    def test_nothing_that_is_logged_shows_a_token(self) -> None:
        token = self.issue()
        with capturedLogs() as events:
            self.open(token)
            self.end_sessions()
            self.log_in(token, token)
            self.refusal()
            self.negotiate().send(plain(token.encode() * 24, token.encode() * 200))
            self.refusal()

        self.assertNotIn(token, str(lines(list(events))))


class RefusalTests(NativeCase):
    def test_a_token_that_is_used_up_and_one_that_never_was_read_alike(self) -> None:
        token = self.issue()
        self.open(token)
        self.peer.reset()
        self.hypervisor.close()
        self.wait(60)
        told = []
        for secret in (token, "x" * 43):
            self.log_in(secret)
            text = self.refusal()
            info, _ = self.observer.refusals[-1]
            told.append(text.replace(info.id, "ID"))

        self.assertEqual(
            told, ["This console link is not valid any more. Ask for a new one. (id ID)"] * 2
        )
        self.assertIsInstance(self.observer.refusals[0][1], TokenUsed)

    def test_no_token_at_all(self) -> None:
        for password in ("", "no token", "http://localhost/?x=y"):
            self.log_in(password)
            self.assertIn("The link has no valid token.", self.refusal())

    def test_a_hypervisor_that_cannot_be_reached(self) -> None:
        self.log_in(self.issue())
        self.reactor.refuse()

        self.assertIn("Ask your administrator, id", self.refusal())

    def test_a_viewer_without_tls_is_told_what_to_use(self) -> None:
        for version, choice, start in (
            (b"RFB 003.003\n", b"", bytes(4)),
            (b"RFB 003.007\n", b"", b"\0"),
            (BANNER, b"\x01", b"\x02\x13\x01\0\0\0\x01"),
        ):
            self.connect().send(version)
            self.peer.send(choice)

            told = self.peer.receive()

            self.assertTrue(told.startswith(BANNER + start))
            self.assertIn(b"Use TigerVNC, or `vncproxy bridge`. (id ", told)
            self.assertTrue(self.peer.half_closed)
            self.peer.close()
            self.left()
        self.assertEqual(self.observer.refusals, [])

    def test_an_address_that_is_refused_often_is_told_so_before_tls(self) -> None:
        self.serve(limits=Limits(refusals=3, refusals_per_minute=1))
        self.open_listener()
        with capturedLogs() as events:
            for _ in range(3):
                self.log_in("wrong")
                self.refusal()
            for _ in range(20):
                self.connect().send(BANNER)
                told = self.peer.receive()
                self.peer.close()

        self.assertEqual(told[:13], BANNER + b"\0")
        self.assertIn(b"Too many requests from your address were refused.", told)
        self.assertEqual(len(self.observer.refusals), 3)
        self.assertEqual(len([line for line in lines(list(events)) if "more often" in line]), 1)
        self.assertEqual(self.connections.counts()[2], 20)

    def test_ended_by_an_administrator(self) -> None:
        self.open()

        self.end_sessions()

        self.assertEqual(self.tls.receive(), b"")
        self.tls.close()
        self.left()
        ((_, why),) = self.observer.closings
        self.assertIsInstance(why, EndedByAdministrator)

    def test_a_proxy_that_drains_says_so(self) -> None:
        self.sessions.draining = True
        self.log_in(self.issue())

        self.assertIn("restart", self.refusal())


class LeavingTests(NativeCase):
    """Viewers that leave or stop, at each byte."""

    def test_a_viewer_that_stops_before_tls_is_closed_in_time(self) -> None:
        sent = b"".join(NEGOTIATION)
        for size in range(len(sent)):
            self.connect().send(sent[:size])
            self.peer.receive()
            self.wait(9)
            self.assertIsNone(self.peer.closed, size)
            self.wait(1)
            self.wait(5)
            self.wait(5)
            self.peer.receive()
            self.assertIsNotNone(self.peer.closed, size)
        self.left()

    def test_a_user_has_time_to_enter_a_token(self) -> None:
        self.negotiate()
        self.wait(119)
        self.tls.send(plain(b"", self.issue().encode()))
        self.console()
        self.assertEqual(self.tls.receive(), bytes(4))

    def test_a_user_who_takes_too_long_is_told_so(self) -> None:
        for part in (b"", b"\0\0\0\x05\0\0\0\x05al"):
            self.negotiate().send(*([part] if part else []))
            self.wait(120)
            self.assertIn("did not log in in time. Connect again. (id ", self.refusal())

    def test_tls_that_is_not_finished_is_closed_in_time(self) -> None:
        self.connect().send(*NEGOTIATION, b"\x16\x03\x01\x02\x00\x01")
        self.wait(120)
        self.peer.receive()
        self.wait(5)
        self.wait(5)
        self.left()

    def test_leaving_at_any_byte(self) -> None:
        sent = b"".join(NEGOTIATION)
        for size in range(len(sent) + 1):
            self.connect().send(sent[:size])
            self.peer.close()
            self.left()

    def test_closing_the_dialog_for_the_token_is_logged_and_counts_for_nothing(self) -> None:
        self.serve(limits=Limits(refusals=3, refusals_per_minute=1))
        self.open_listener()
        with capturedLogs() as events:
            for _ in range(10):
                self.negotiate()
                self.peer.close()
                self.left()

        self.assertFalse(self.connections.refusals.refuses_cheaply("192.0.2.1"))
        texts = lines(list(events))
        self.assertEqual(len(texts), 3, texts)
        self.assertIn("refused: closed after 0 bytes, waiting for user name and token", texts[0])

    def test_leaving_while_the_token_is_redeemed(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.log_in(self.issue()).close()

        self.store.wait["redeem"].callback(None)

        self.left()
        ((_, why),) = self.observer.refusals
        self.assertIsInstance(why, ClientGone)
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_leaving_before_client_init_gives_the_use_back(self) -> None:
        self.log_in(self.issue())
        near = self.console()

        self.peer.close()

        self.left()
        self.assertIsNotNone(near.closed)
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_a_check_of_a_balancer_leaves_no_line_and_counts_for_nothing(self) -> None:
        with capturedLogs() as events:
            for _ in range(60):
                self.connect().close()
                self.left()
            self.connect()
            self.wait(10)
            self.left()

        self.assertEqual(list(events), [])
        self.assertFalse(self.connections.refusals.refuses_cheaply("192.0.2.1"))


class TLSTests(NativeCase):
    def fails(self, version: ssl.TLSVersion) -> list[str]:
        with capturedLogs() as events:
            self.assertRaises(ssl.SSLError, self.negotiate, version)
            self.peer.receive()
            self.left()
        return lines(list(events))

    def test_old_versions_are_refused(self) -> None:
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            (line,) = self.fails(version)
            self.assertIn("TLS with the viewer failed: unsupported protocol", line)

    def test_tls_that_fails_counts_as_a_refusal(self) -> None:
        self.serve(limits=Limits(refusals=3, refusals_per_minute=1))
        self.open_listener()
        for _ in range(3):
            self.fails(ssl.TLSVersion.TLSv1)

        self.assertTrue(self.connections.refusals.refuses_cheaply("192.0.2.1"))

    def test_it_is_1_2_since_tigervnc_cannot_read_behind_tickets_of_1_3(self) -> None:
        self.assertEqual(self.negotiate().connection.version(), "TLSv1.2")

    def test_a_certificate_that_the_viewer_does_not_trust(self) -> None:
        self.connect().send(*NEGOTIATION)
        self.peer.receive()
        tls = TLSClient(self.peer, ssl.get_default_verify_paths().openssl_cafile)
        with capturedLogs() as events:
            self.assertRaises(ssl.SSLCertVerificationError, tls.shake_hands)
            self.peer.receive()
            self.left()

        (line,) = lines(list(events))
        self.assertIn("alert unknown ca", line)

    def test_bytes_in_the_clear_before_tls_end_the_connection(self) -> None:
        self.connect().send(*NEGOTIATION[:-1], NEGOTIATION[-1] + b"\x16")

        self.assertEqual(self.peer.receive(), OFFERS)
        self.assertTrue(self.peer.half_closed)

    def test_what_is_no_tls_ends_the_connection(self) -> None:
        self.connect().send(*NEGOTIATION, b"GET / HTTP/1.1\r\n\r\n")
        self.peer.receive()
        self.left()

    def test_a_new_certificate_is_for_later_viewers(self) -> None:
        hypervisor = self.open()
        replaced = self.certificate.replace(self.certificate.read())
        self.assertFalse(replaced)

        self.tls.send(b"key")

        self.assertEqual(hypervisor.receive(), b"key")
