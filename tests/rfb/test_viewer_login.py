"""The login of viewers over VeNCrypt (rfbproto.rst, "VeNCrypt"; the server's side)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import Outcome, byte_by_byte, cut, places, play, sized_bytes
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import BadRequest, DownstreamViolation, OverLimit, VNCProxyError
from vncproxy.handshake.steps import StartTLS, Steps, UnexpectedPlaintext
from vncproxy.rfb.viewer_login import NAME_LIMIT, PASSWORD_LIMIT, Login, LoginGreeting

BANNER = b"RFB 003.008\n"
NEGOTIATION = BANNER + b"\x13" + b"\0\x02" + b"\0\0\x01\x06"
"""The viewer's bytes until TLS: banner, VeNCrypt (19), version 0.2, X509Plain (262)."""

OFFERS = BANNER + b"\x02\x13\x01" + b"\0\x02" + b"\0" + b"\x01\0\0\x01\x06" + b"\x01"
"""The proxy's: banner, VeNCrypt or None, version 0.2, agreed, one type (262), TLS starts."""

REASON = b"\0\0\0\x05no VM"


def plain(name: bytes, password: bytes) -> bytes:
    sizes = len(name).to_bytes(4, "big") + len(password).to_bytes(4, "big")
    return sizes + name + password


def whole(
    greeting: LoginGreeting | None = None, check: Callable[[], None] = lambda: None
) -> Steps[Login]:
    """Negotiate and log in."""
    greeting = greeting or LoginGreeting()
    yield from greeting.negotiate(check)
    return (yield from greeting.log_in())


class LoginTests(SynchronousTestCase):
    def log_in(self, *under_tls: bytes) -> Outcome[Login]:
        return play(whole(), NEGOTIATION, under_tls=under_tls)

    def test_the_token_is_the_password_and_any_name_is_accepted(self) -> None:
        outcome = self.log_in(plain(b"alice", b"secret"))

        self.assertEqual(outcome.sent, OFFERS)
        self.assertEqual(outcome.result, Login("alice", "secret"))
        self.assertEqual(outcome.tls, StartTLS(None, "the end of its TLS handshake", serve=True))

    def test_neither_name_nor_password_is_needed_to_go_on(self) -> None:
        self.assertEqual(self.log_in(plain(b"", b"")).result, Login("", ""))

    def test_a_password_is_not_shown(self) -> None:
        self.assertNotIn("secret", repr(Login("alice", "secret")))

    def test_what_is_no_utf_8_is_a_wrong_password(self) -> None:
        self.assertEqual(self.log_in(plain(b"\xff", b"\xe9")).result, Login("\ufffd", "\ufffd"))

    def test_the_longest_texts(self) -> None:
        name, password = b"n" * NAME_LIMIT, b"p" * PASSWORD_LIMIT
        self.assertTrue(self.log_in(plain(name, password)).done)
        for sizes in (
            (NAME_LIMIT + 1, 0),
            (0, PASSWORD_LIMIT + 1),
            (2**32 - 1, 2**32 - 1),
        ):
            outcome = self.log_in(b"".join(size.to_bytes(4, "big") for size in sizes))
            self.assertIs(outcome.error, BadRequest)

    def test_bytes_in_the_clear_before_tls(self) -> None:
        outcome = play(whole(), NEGOTIATION + b"\x16")
        self.assertIs(outcome.error, UnexpectedPlaintext)

    def test_nothing_is_left_of_the_handshake_but_what_follows(self) -> None:
        self.assertEqual(self.log_in(plain(b"a", b"b") + b"\x01").leftover, b"\x01")

    @given(places)
    def test_any_segmentation(self, at: list[int]) -> None:
        login = plain("jörg".encode(), b"secret")
        outcome = play(whole(), *cut(NEGOTIATION, at), under_tls=cut(login, at))
        self.assertEqual(outcome.result, Login("jörg", "secret"))
        self.assertEqual(outcome.sent, OFFERS)

    @given(sized_bytes(64), st.one_of(st.none(), sized_bytes(64)))
    def test_any_bytes(self, data: bytes, under_tls: bytes | None) -> None:
        pieces = None if under_tls is None else [under_tls]
        for start in (b"", BANNER, NEGOTIATION):
            outcome = play(whole(), start + data, under_tls=pieces)
            self.assertTrue(outcome.error is None or issubclass(outcome.error, VNCProxyError))


class RefusalTests(SynchronousTestCase):
    """What a viewer is sent when it, or its user, is refused."""

    def refuse(self, *data: bytes, under_tls: list[bytes] | None = None) -> bytes:
        """Return what follows the offers, when the login is refused with `REASON`."""
        greeting = LoginGreeting()

        def steps() -> Steps[None]:
            try:
                yield from whole(greeting)
            except VNCProxyError as e:
                self.error = e
            yield from greeting.refuse("no VM")

        return play(steps(), *data, under_tls=under_tls).sent

    def test_old_versions_get_the_reason_instead_of_an_offer(self) -> None:
        self.assertEqual(self.refuse(b"RFB 003.003\n"), BANNER + bytes(4) + REASON)
        self.assertIn("TigerVNC", self.error.sentence())
        self.assertEqual(self.refuse(b"RFB 003.007\n"), BANNER + b"\0" + REASON)
        self.assertEqual(self.error.detail, "viewer speaks RFB 3.7")

    def test_a_viewer_without_vencrypt_gets_the_reason_as_the_result_of_none(self) -> None:
        sent = self.refuse(BANNER + b"\x01")
        self.assertEqual(sent, BANNER + b"\x02\x13\x01" + b"\0\0\0\x01" + REASON)
        self.assertIn("TigerVNC", self.error.sentence())

    def test_a_choice_that_was_not_offered(self) -> None:
        sent = self.refuse(BANNER + b"\x02")
        self.assertEqual(sent, BANNER + b"\x02\x13\x01" + b"\0\0\0\x01" + REASON)
        self.assertEqual(self.error.detail, "viewer chose security type 2, offered 19")

    def test_within_vencrypt_there_is_no_reason(self) -> None:
        for data, end in (
            (BANNER + b"\x13\0\x01", b"\0\x02\xff"),
            (BANNER + b"\x13\0\x02\0\0\x01\x05", OFFERS[15:-1] + b"\0"),
            (NEGOTIATION + b"\x16", OFFERS[15:]),
        ):
            self.assertEqual(self.refuse(data), OFFERS[:15] + end)

    def test_after_the_login_the_result_has_it(self) -> None:
        sent = self.refuse(NEGOTIATION, under_tls=byte_by_byte(plain(b"a", b"b")))
        self.assertEqual(sent, OFFERS + b"\0\0\0\x01" + REASON)

    def test_what_is_no_rfb_gets_nothing(self) -> None:
        self.assertEqual(self.refuse(b"GET / HTTP/1.1\r\n\r\n"), BANNER)
        self.assertIsInstance(self.error, DownstreamViolation)

    def test_an_address_is_checked_before_anything_is_offered(self) -> None:
        def too_often() -> None:
            raise OverLimit("too often")

        outcome = play(whole(check=too_often), BANNER)

        self.assertIs(outcome.error, OverLimit)
        self.assertEqual(outcome.sent, BANNER)


class GreetTests(SynchronousTestCase):
    def test_the_login_is_good_and_the_viewer_initialises(self) -> None:
        for flag, shared in ((b"\0", False), (b"\x01", True)):
            greeting = LoginGreeting()

            def steps(greeting: LoginGreeting = greeting) -> Steps[bool]:
                yield from whole(greeting)
                return (yield from greeting.greet())

            outcome = play(steps(), NEGOTIATION, under_tls=[plain(b"a", b"b"), flag + b"\x05"])
            self.assertEqual(outcome.sent, OFFERS + bytes(4))
            self.assertIs(outcome.result, shared)
            self.assertEqual(outcome.leftover, b"\x05")
