"""VeNCrypt 0.2 towards servers, stated in bytes."""

from __future__ import annotations

import struct
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import Outcome, byte_by_byte, play, sized_bytes
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation, VNCProxyError
from vncproxy.handshake.steps import StartTLS, StepError, UnexpectedPlaintext
from vncproxy.model import RFBSecurity, TLSTrust
from vncproxy.rfb.security import negotiate_security
from vncproxy.rfb.vencrypt import vencrypt
from vncproxy.rfb.versions import Version

VERSION = b"\0\x02"
OK = bytes(4)
CHALLENGE = bytes(range(16))
RESPONSE = bytes.fromhex("b866924125c8eebb9debc1db61c538e2")
TRUST = TLSTrust(ca_file="/etc/ca.pem")
UNVERIFIED = TLSTrust(verify=False)
PINNED = TLSTrust(verify=False, fingerprints=("sha1:" + "0" * 40,))
NOBODY = RFBSecurity(tls=TRUST)
PASSWORD = RFBSecurity("password", tls=TRUST)
USER = RFBSecurity("password", "fred", TRUST)


def offer(*types: int) -> bytes:
    """Return a server's bytes up to the types it offers."""
    return VERSION + b"\0" + bytes([len(types)]) + struct.pack(f">{len(types)}I", *types)


def agree(
    spec: RFBSecurity, *types: int, inside: bytes = OK, ack: bytes = b"\x01"
) -> Outcome[None]:
    return play(vencrypt(spec, Version.V3_8), offer(*types) + ack, under_tls=[inside])


def plain(spec: RFBSecurity, *types: int, then: bytes = OK, eof: bool = False) -> Outcome[None]:
    return play(vencrypt(spec, Version.V3_8), offer(*types) + then, eof=eof)


class VeNCryptTestCase(SynchronousTestCase):
    def assertChosen(self, outcome: Outcome[None], kind: int, login: bytes = b"") -> None:
        self.assertEqual((outcome.detail, outcome.done, outcome.leftover), ("", True, b""))
        self.assertEqual(outcome.sent, VERSION + struct.pack(">I", kind) + login)

    def assertRefused(
        self, outcome: Outcome[None] | Outcome[bool], kind: type[VNCProxyError], *words: str
    ) -> None:
        self.assertIs(outcome.error, kind, outcome.detail)
        for each in words:
            self.assertIn(each, outcome.detail)


class LoginTests(VeNCryptTestCase):
    """What is said within TLS, by type."""

    def test_x509_without_a_login(self) -> None:
        outcome = agree(NOBODY, 260)

        self.assertChosen(outcome, 260)
        self.assertEqual(outcome.tls, StartTLS(TRUST))

    def test_x509_with_a_vnc_password(self) -> None:
        self.assertChosen(agree(PASSWORD, 261, inside=CHALLENGE + OK), 261, RESPONSE)

    def test_x509_with_a_users_name(self) -> None:
        login = bytes.fromhex("00000004 00000008") + b"fredpassword"
        self.assertChosen(agree(USER, 262), 262, login)

    def test_a_name_and_a_password_beyond_ascii_are_utf_8(self) -> None:
        spec = RFBSecurity("pä", "jürgen", TRUST)
        login = bytes.fromhex("00000007 00000003") + "jürgenpä".encode()
        self.assertChosen(agree(spec, 262), 262, login)

    def test_sasl_under_both_of_its_numbers(self) -> None:
        mechanisms = b"\0\0\0\x05PLAIN"
        login = b"\0\0\0\x05PLAIN\0\0\0\x0f\0fred\0password\0"
        for kind in (263, 264):
            outcome = agree(USER, kind, inside=mechanisms + b"\0\0\0\0\x01" + OK)
            self.assertChosen(outcome, kind, login)
            self.assertEqual(outcome.tls, StartTLS(TRUST))

    def test_anonymous_tls_without_a_login(self) -> None:
        outcome = agree(RFBSecurity(anonymous_tls=True), 257)

        self.assertChosen(outcome, 257)
        self.assertEqual(outcome.tls, StartTLS(None))

    def test_anonymous_tls_with_a_vnc_password(self) -> None:
        spec = RFBSecurity("password", anonymous_tls=True)
        self.assertChosen(agree(spec, 258, inside=CHALLENGE + OK), 258, RESPONSE)

    def test_ordinary_types_go_on_in_the_clear(self) -> None:
        self.assertChosen(plain(RFBSecurity(), 1), 1)
        spec = RFBSecurity("password")
        self.assertChosen(plain(spec, 2, then=CHALLENGE + OK), 2, RESPONSE)


class PreferenceTests(VeNCryptTestCase):
    """Which type is taken of those offered, in any order."""

    def chosen(self, spec: RFBSecurity, *types: int) -> int:
        sent = play(vencrypt(spec, Version.V3_8), offer(*types)).sent
        backwards = play(vencrypt(spec, Version.V3_8), offer(*reversed(types))).sent
        self.assertEqual(sent, backwards)
        return int.from_bytes(sent[2:], "big")

    def test_the_most_that_the_credentials_are_good_for(self) -> None:
        everything = (1, 2, 256, 257, 258, 259, 260, 261, 262, 263, 264)
        self.assertEqual(self.chosen(NOBODY, *everything), 260)
        self.assertEqual(self.chosen(PASSWORD, *everything), 261)
        self.assertEqual(self.chosen(USER, *everything), 262)
        self.assertEqual(self.chosen(RFBSecurity("password"), *everything), 2)
        self.assertEqual(self.chosen(RFBSecurity(), *everything), 1)

    def test_a_certificate_before_none(self) -> None:
        spec = replace(PASSWORD, anonymous_tls=True)
        self.assertEqual(self.chosen(spec, 257, 258, 260), 260)
        self.assertEqual(self.chosen(spec, 257, 258), 258)
        self.assertEqual(self.chosen(spec, 1, 2, 257), 257)

    def test_a_name_in_anonymous_tls_only_without_a_trust(self) -> None:
        spec = RFBSecurity("password", "fred", anonymous_tls=True)
        self.assertEqual(self.chosen(spec, 257, 264), 264)

    def test_a_pinned_server_counts_as_verified(self) -> None:
        self.assertEqual(self.chosen(replace(USER, tls=PINNED), 260, 262), 262)


class LessThanDemandedTests(VeNCryptTestCase):
    """A server that offers less is sent nothing more, and the log has the remedy."""

    def test_tls_without_a_certificate(self) -> None:
        for types in ((257,), (1, 2, 258), (259,)):
            outcome = agree(PASSWORD, *types)
            self.assertRefused(outcome, UpstreamUntrusted, "anonymous_tls = true")
            self.assertEqual((outcome.sent, outcome.tls), (VERSION, None))

    def test_no_tls(self) -> None:
        for spec in (PASSWORD, RFBSecurity("password", anonymous_tls=True)):
            outcome = plain(spec, 1, 2, 256)
            self.assertRefused(
                outcome, UpstreamUntrusted, "None (1), VncAuth (2), Plain (256), none of them"
            )

    def test_tls_where_none_is_configured(self) -> None:
        for kind in (260, 261, 262, 263, 264):
            outcome = agree(RFBSecurity("password", "fred"), kind)
            self.assertRefused(outcome, UpstreamRefused, f"({kind})", "configure tls")

    def test_anonymous_tls_where_none_is_configured(self) -> None:
        self.assertRefused(agree(RFBSecurity(), 257), UpstreamUntrusted, "TLSNone (257)")

    def test_a_password_that_is_not_configured(self) -> None:
        self.assertRefused(agree(NOBODY, 261), UpstreamRefused, "VNC password and none")
        spec = RFBSecurity(anonymous_tls=True)
        self.assertRefused(agree(spec, 258), UpstreamRefused, "a password and none")

    def test_a_user_that_is_not_configured(self) -> None:
        for kind in (262, 263, 264):
            self.assertRefused(agree(PASSWORD, kind), UpstreamRefused, "configure username")

    def test_a_users_password_for_a_server_that_is_not_verified(self) -> None:
        outcome = agree(replace(USER, tls=UNVERIFIED), 262)
        self.assertRefused(outcome, UpstreamUntrusted, "verified server only")
        spec = replace(USER, tls=None, anonymous_tls=True)
        self.assertRefused(agree(spec, 259), UpstreamRefused, "verified server only")

    def test_a_users_password_in_the_clear(self) -> None:
        self.assertRefused(plain(RFBSecurity("pw", "fred"), 256), UpstreamViolation, "(256)")


class ViolationTests(VeNCryptTestCase):
    def test_an_older_version(self) -> None:
        outcome = play(vencrypt(NOBODY, Version.V3_8), b"\0\x01")
        self.assertRefused(outcome, UpstreamViolation, "0.1, expected 0.2")
        self.assertEqual(outcome.sent, b"")

    def test_a_newer_version_is_answered_with_ours(self) -> None:
        outcome = play(vencrypt(NOBODY, Version.V3_8), b"\0\x03" + offer(260)[2:])
        self.assertEqual(outcome.sent, VERSION + b"\0\0\x01\x04")

    def test_a_version_that_is_refused(self) -> None:
        outcome = play(vencrypt(NOBODY, Version.V3_8), VERSION + b"\xff")
        self.assertRefused(outcome, UpstreamViolation, "does not go on")

    def test_no_type_at_all(self) -> None:
        self.assertRefused(plain(NOBODY, then=b""), UpstreamViolation, "offers no VeNCrypt type")

    def test_a_type_that_is_refused_after_it_was_offered(self) -> None:
        outcome = agree(NOBODY, 260, ack=b"\0")
        self.assertRefused(outcome, UpstreamRefused, "X509None (260) that it offered")
        self.assertIsNone(outcome.tls)

    def test_bytes_in_the_clear_where_tls_starts(self) -> None:
        outcome = plain(NOBODY, 260, then=b"\x01" + OK)
        self.assertRefused(outcome, UnexpectedPlaintext, "4 bytes in the clear")
        self.assertFalse(outcome.done)

    def test_an_end_within_tls_may_ask_for_a_client_certificate(self) -> None:
        for types, inside in (((260,), b""), ((261,), CHALLENGE[:5]), ((260,), b"\0\0")):
            outcome = play(
                vencrypt(PASSWORD, Version.V3_8),
                offer(*types) + b"\x01",
                under_tls=[inside],
                eof=True,
            )
            self.assertRefused(outcome, UpstreamRefused, "client certificate")

    def test_a_wrong_password(self) -> None:
        inside = CHALLENGE + b"\0\0\0\x01\0\0\0\x15Authentication failed"
        outcome = agree(PASSWORD, 261, inside=inside)
        self.assertRefused(outcome, UpstreamRefused, "authentication failed: Authentication")

    def test_before_3_8_a_failure_has_no_reason(self) -> None:
        outcome = play(
            vencrypt(NOBODY, Version.V3_7), offer(260) + b"\x01", under_tls=[b"\0\0\0\x01"]
        )
        self.assertRefused(outcome, UpstreamRefused, "result 1")

    @given(
        st.sampled_from([NOBODY, PASSWORD, USER, RFBSecurity("pw", "fred", anonymous_tls=True)]),
        sized_bytes(64),
        sized_bytes(64),
    )
    def test_random_bytes_raise_only_our_errors(
        self, spec: RFBSecurity, clear: bytes, inside: bytes
    ) -> None:
        play(vencrypt(spec, Version.V3_8), clear, under_tls=[inside], eof=True)
        play(vencrypt(spec, Version.V3_8), offer(260, 261, 263) + b"\x01", under_tls=[inside])

    def test_a_byte_at_a_time(self) -> None:
        clear, inside = offer(257, 261) + b"\x01", CHALLENGE + OK
        bytewise = play(
            vencrypt(PASSWORD, Version.V3_8), *byte_by_byte(clear), under_tls=byte_by_byte(inside)
        )
        self.assertEqual(bytewise, agree(PASSWORD, 257, 261, inside=inside))


class DowngradeTests(VeNCryptTestCase):
    """The whole handshake, from the banner."""

    def test_tls_is_taken_where_it_is_demanded(self) -> None:
        outcome = play(
            negotiate_security(PASSWORD),
            b"RFB 003.008\n\x03\x01\x02\x13" + offer(261) + b"\x01",
            under_tls=[CHALLENGE + OK],
        )
        self.assertEqual((outcome.done, outcome.result), (True, False))
        self.assertIn(b"\x13" + VERSION, outcome.sent)

    def test_without_tls_nothing_is_chosen(self) -> None:
        for spec in (PASSWORD, RFBSecurity("password", anonymous_tls=True)):
            for start in (
                b"RFB 003.008\n\x02\x01\x02",
                b"RFB 003.007\n\x01\x02",
                b"RFB 003.003\n\0\0\0\x02",
            ):
                outcome = play(negotiate_security(spec), start)
                self.assertRefused(outcome, UpstreamUntrusted, "TLS (VeNCrypt) is demanded")
                self.assertEqual(len(outcome.sent), 12)

    def test_a_simple_type_before_vencrypt_where_nothing_is_demanded(self) -> None:
        sent = play(negotiate_security(RFBSecurity("password")), b"RFB 003.008\n\x02\x13\x02").sent
        self.assertEqual(sent[12:], b"\x02")

    def test_sasl_without_tls(self) -> None:
        outcome = play(negotiate_security(RFBSecurity("pw", "fred")), b"RFB 003.008\n\x01\x14")
        self.assertRefused(outcome, UpstreamRefused, "SASL without TLS")

    def test_early_bytes_are_an_error_of_the_step(self) -> None:
        self.assertTrue(issubclass(UnexpectedPlaintext, StepError))
