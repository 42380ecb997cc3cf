"""The security phase of servers of each version (RFC 6143 sections 7.1 to 7.3)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import Outcome, byte_by_byte, cut, places, play, sized_bytes
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import (
    ConsoleInUse,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamViolation,
    VNCProxyError,
)
from vncproxy.handshake.steps import EndOfStream
from vncproxy.model import RFBSecurity
from vncproxy.rfb.security import negotiate_security
from vncproxy.rfb.server_init import desktop_name, initialise, rename
from vncproxy.rfb.vnc_auth import vnc_response

V3_3, V3_7, V3_8 = b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n"
OK, FAILED, TOO_MANY = b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2"
CHALLENGE = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
RESPONSES = [
    ("password", "b866924125c8eebb9debc1db61c538e2"),
    ("pw", "858600d9af143c9e6541d3dd92a835d0"),
    ("toolongpassword", "047c82fb19899ed16db7a73b6c2e69f1"),
    ("toolongp", "047c82fb19899ed16db7a73b6c2e69f1"),
]
RESPONSE = bytes.fromhex(RESPONSES[0][1])
HEAD = bytes.fromhex("0320 0258 20180001 00ff00ff00ff 100800 000000")
SERVER_INIT = HEAD + b"\0\0\0\x0eQEMU (web-01)\0"


def agree(server: bytes, password: str | None = None, *, eof: bool = False) -> Outcome[bool]:
    return play(negotiate_security(RFBSecurity(password)), server, eof=eof)


class WireTest(SynchronousTestCase):
    def assertAgreed(self, outcome: Outcome[bool], sent: bytes) -> None:
        self.assertEqual((outcome.error, outcome.detail, outcome.done), (None, "", True))
        self.assertEqual((outcome.sent, outcome.leftover), (sent, b""))

    def assertRefused(self, outcome: Outcome[bool], detail: str) -> None:
        self.assertEqual((outcome.error, outcome.detail), (UpstreamRefused, detail))


class VersionTests(WireTest):
    def test_the_server_speaks_first(self) -> None:
        self.assertEqual(agree(b"").sent, b"")

    def test_is_answered_with_the_published_one(self) -> None:
        for banner, answer in (
            (b"RFB 003.006\n", V3_3),
            (b"RFB 003.007\n", V3_7),
            (b"RFB 003.889\n", V3_8),
            (b"RFB 004.001\n", V3_8),
            (b"RFB 005.000\n", V3_8),
        ):
            self.assertEqual(agree(banner).sent, answer)

    def test_no_rfb(self) -> None:
        for banner in (b"SSH-2.0-OpenSSH_9.6\r\n", b"RFB 000.000\n", bytes(12)):
            outcome = agree(banner)
            self.assertEqual((outcome.error, outcome.sent), (UpstreamViolation, b""))

    def test_closed_in_mid_banner(self) -> None:
        self.assertIs(agree(b"RFB 003", eof=True).error, EndOfStream)


class NoneTests(WireTest):
    def test_3_8_chooses_and_reads_a_result(self) -> None:
        self.assertAgreed(agree(V3_8 + b"\x01\x01" + OK), V3_8 + b"\x01")

    def test_3_8_waits_for_the_result(self) -> None:
        self.assertFalse(agree(V3_8 + b"\x01\x01").done)

    def test_3_7_has_no_result(self) -> None:
        self.assertAgreed(agree(V3_7 + b"\x01\x01"), V3_7 + b"\x01")

    def test_3_3_has_neither_choice_nor_result(self) -> None:
        self.assertAgreed(agree(V3_3 + b"\0\0\0\x01"), V3_3)

    def test_is_found_among_others(self) -> None:
        self.assertAgreed(agree(V3_7 + b"\x03\x10\x02\x01"), V3_7 + b"\x01")

    def test_is_found_among_more_types_than_exist(self) -> None:
        everything = bytes(range(255, 0, -1))
        self.assertAgreed(agree(V3_7 + b"\xff" + everything), V3_7 + b"\x01")

    def test_serves_where_a_password_is_not_asked_for(self) -> None:
        self.assertAgreed(agree(V3_7 + b"\x01\x01", "password"), V3_7 + b"\x01")


class VNCAuthenticationTests(WireTest):
    def test_known_responses(self) -> None:
        for password, response in RESPONSES:
            self.assertEqual(vnc_response(password, CHALLENGE).hex(), response)

    def test_3_8(self) -> None:
        outcome = agree(V3_8 + b"\x01\x02" + CHALLENGE + OK, "password")
        self.assertAgreed(outcome, V3_8 + b"\x02" + RESPONSE)

    def test_3_7(self) -> None:
        outcome = agree(V3_7 + b"\x01\x02" + CHALLENGE + OK, "password")
        self.assertAgreed(outcome, V3_7 + b"\x02" + RESPONSE)

    def test_3_3(self) -> None:
        outcome = agree(V3_3 + b"\0\0\0\x02" + CHALLENGE + OK, "password")
        self.assertAgreed(outcome, V3_3 + RESPONSE)

    def test_every_version_waits_for_the_result(self) -> None:
        for offer in (V3_8 + b"\x01\x02", V3_7 + b"\x01\x02", V3_3 + b"\0\0\0\x02"):
            self.assertFalse(agree(offer + CHALLENGE, "password").done)

    def test_is_preferred_with_a_password(self) -> None:
        outcome = agree(V3_8 + b"\x02\x01\x02" + CHALLENGE + OK, "password")
        self.assertAgreed(outcome, V3_8 + b"\x02" + RESPONSE)

    def test_an_empty_password_is_one(self) -> None:
        self.assertEqual(agree(V3_8 + b"\x02\x01\x02", "").sent, V3_8 + b"\x02")

    def test_without_a_password(self) -> None:
        detail = "server asks for a VNC password and none is configured"
        self.assertRefused(agree(V3_8 + b"\x01\x02"), detail)
        self.assertRefused(agree(V3_3 + b"\0\0\0\x02"), detail)


class RefusalTests(WireTest):
    def test_before_a_choice(self) -> None:
        for start in (V3_8 + b"\0", V3_7 + b"\0", V3_3 + b"\0\0\0\0"):
            outcome = agree(start + b"\0\0\0\x05no VM")
            self.assertRefused(outcome, "server refused: no VM")

    def test_before_a_choice_without_a_reason(self) -> None:
        for start in (V3_8 + b"\0", V3_7 + b"\0", V3_3 + b"\0\0\0\0"):
            outcome = agree(start, eof=True)
            self.assertRefused(outcome, "server refused: it gave no reason")

    def test_in_mid_reason(self) -> None:
        outcome = agree(V3_8 + b"\0\0\0\0\x05no", eof=True)
        self.assertRefused(outcome, "server refused: no")

    def test_only_types_that_are_not_supported(self) -> None:
        outcome = agree(V3_8 + b"\x03\x05\x12\x16", "password")
        self.assertIs(outcome.error, UpstreamViolation)
        self.assertIn("types RA2 (5), TLS of Vino (18), xvp (22), none", outcome.detail)

    def test_a_type_of_32_bits(self) -> None:
        self.assertIs(agree(V3_3 + b"\xff\xff\xff\xff").error, UpstreamViolation)

    def test_of_the_password_with_a_nul_that_is_counted_in(self) -> None:
        reason = b"\0\0\0\x16Authentication failed\0"
        outcome = agree(V3_8 + b"\x01\x02" + CHALLENGE + FAILED + reason, "password")
        self.assertRefused(outcome, "authentication failed: Authentication failed")

    def test_types_of_others_are_named_with_what_to_switch_on(self) -> None:
        for offered, name, remedy in (
            ([5, 6], "RA2 (5), RA2ne (6)", "allow VncAuth or VeNCrypt there"),
            ([30, 33], "Apple's Diffie-Hellman (30), Apple's 33 (33)", "with a password there"),
            ([17, 113], "Ultra (17), MS-Logon II (113)", "without MS-Logon"),
            ([18], "TLS of Vino (18)", "require-encryption false"),
            ([200], "200, none is supported", ""),
        ):
            outcome = agree(V3_8 + bytes([len(offered), *offered]))
            self.assertIs(outcome.error, UpstreamViolation)
            self.assertIn(f"server offers security types {name}", outcome.detail)
            self.assertIn(remedy, outcome.detail)

    def test_what_its_backend_knows_of_the_cause_stands_behind_it(self) -> None:
        spec = RFBSecurity("password", hint="it is over")
        said = V3_8 + b"\x01\x02" + CHALLENGE + FAILED + b"\0\0\0\2no"
        outcome = play(negotiate_security(spec), said)
        self.assertRefused(outcome, "authentication failed: no; it is over")
        said = V3_8 + b"\x01\x02" + CHALLENGE + TOO_MANY + bytes(4)
        self.assertNotIn("it is over", play(negotiate_security(spec), said).detail)

    def test_of_the_password_without_a_reason(self) -> None:
        outcome = agree(V3_8 + b"\x01\x02" + CHALLENGE + FAILED, "password", eof=True)
        self.assertRefused(outcome, "authentication failed: result 1")

    def test_of_the_password_before_3_8_needs_no_more_bytes(self) -> None:
        for start in (V3_7 + b"\x01\x02", V3_3 + b"\0\0\0\x02"):
            outcome = agree(start + CHALLENGE + FAILED, "password")
            self.assertRefused(outcome, "authentication failed: result 1")

    def test_after_too_many_attempts(self) -> None:
        outcome = agree(V3_7 + b"\x01\x02" + CHALLENGE + TOO_MANY, "password")
        self.assertIs(outcome.error, UpstreamBusy)
        self.assertIn("authentication failed: too many attempts", outcome.detail)

    def test_by_a_server_that_locks_out_for_a_while(self) -> None:
        for reason in (
            b"Too many security failures",
            b"Too many authentication failures",
            b"Your address is blacklisted",
        ):
            sized = len(reason).to_bytes(4, "big") + reason
            for said in (b"\0" + sized, b"\x01\x01" + FAILED + sized):
                outcome = agree(V3_8 + said)
                self.assertIs(outcome.error, UpstreamBusy)
                self.assertIn(reason.decode(), outcome.detail)

    def test_by_a_server_that_has_another_viewer(self) -> None:
        reason = b"\0\0\0\x1cThe server is already in use"
        outcome = agree(V3_8 + b"\x01\x01" + FAILED + reason)
        self.assertIs(outcome.error, ConsoleInUse)

    def test_after_none(self) -> None:
        outcome = agree(V3_8 + b"\x01\x01" + FAILED + b"\0\0\0\x04busy")
        self.assertRefused(outcome, "authentication failed: busy")

    def test_a_reason_of_four_gigabytes(self) -> None:
        outcome = agree(V3_8 + b"\0\xff\xff\xff\xff" + b"x" * 100_000)
        self.assertRefused(outcome, "server refused: " + "x" * 512)

    def test_a_reason_that_would_spoil_the_log(self) -> None:
        outcome = agree(V3_8 + b"\0\0\0\0\x08a\r\n\x1b[mb\xff")
        self.assertRefused(outcome, "server refused: a [mb?")

    def test_the_password_is_never_told(self) -> None:
        outcome = agree(V3_8 + b"\x01\x02" + CHALLENGE + FAILED, "hunter22", eof=True)
        self.assertNotIn("hunter", outcome.detail)


class InitialiseTests(SynchronousTestCase):
    def test_always_asks_to_share(self) -> None:
        self.assertEqual(play(initialise()).sent, b"\x01")
        self.assertEqual(play(initialise(shared=False)).sent, b"\x00")

    def test_returns_server_init_as_it_came(self) -> None:
        outcome = play(initialise(), SERVER_INIT + b"\0\0")
        self.assertEqual((outcome.result, outcome.leftover), (SERVER_INIT, b"\0\0"))

    def test_a_name_may_be_empty(self) -> None:
        self.assertEqual(play(initialise(), HEAD + bytes(4)).result, HEAD + bytes(4))

    def test_longest_name(self) -> None:
        server_init = HEAD + b"\0\0\x10\0" + b"x" * 4096
        self.assertEqual(play(initialise(), server_init).result, server_init)

    def test_a_name_that_is_too_long_is_refused_at_once(self) -> None:
        for size in (b"\0\0\x10\x01", b"\xff\xff\xff\xff"):
            self.assertIs(play(initialise(), HEAD + size).error, UpstreamViolation)

    def test_closed_in_mid_name(self) -> None:
        self.assertIs(play(initialise(), SERVER_INIT[:-1], eof=True).error, EndOfStream)


class NameTests(SynchronousTestCase):
    def test_is_one_printable_line(self) -> None:
        self.assertEqual(desktop_name(SERVER_INIT), "QEMU (web-01)")

    def test_can_be_replaced(self) -> None:
        self.assertEqual(rename(SERVER_INIT, "d\xe9mo"), HEAD + b"\0\0\0\x05d\xc3\xa9mo")

    def test_a_long_one_is_cut_at_a_character(self) -> None:
        renamed = rename(SERVER_INIT, "x" + "\xe9" * 4096)
        self.assertEqual(renamed, HEAD + b"\0\0\x0f\xff" + b"x" + b"\xc3\xa9" * 2047)

    @given(st.text(max_size=50))
    def test_what_is_set_is_read_by_a_viewer(self, name: str) -> None:
        renamed = rename(SERVER_INIT, name)
        self.assertEqual(play(initialise(), renamed).result, renamed)


class SegmentationTests(SynchronousTestCase):
    PREFIXES = (
        b"",
        V3_3,
        V3_3 + b"\0\0\0\x02" + CHALLENGE,
        V3_7,
        V3_8,
        V3_8 + b"\x01\x02" + CHALLENGE,
        V3_8 + b"\x01\x01\0\0\0",
        V3_8 + b"\0",
    )

    @given(st.sampled_from(PREFIXES), sized_bytes(40), places)
    def test_changes_nothing(self, prefix: bytes, tail: bytes, where: list[int]) -> None:
        data = prefix + tail
        whole = agree(data, "password", eof=True)
        for pieces in (byte_by_byte(data), cut(data, where)):
            self.assertEqual(
                play(negotiate_security(RFBSecurity("password")), *pieces, eof=True), whole
            )

    @given(st.sampled_from(PREFIXES), sized_bytes(40))
    def test_random_bytes_end_in_agreement_or_our_error(self, prefix: bytes, tail: bytes) -> None:
        outcome = agree(prefix + tail, "password", eof=True)
        self.assertTrue(outcome.done or issubclass(outcome.error or object, VNCProxyError))

    @given(st.integers(0, 40), sized_bytes(60), places)
    def test_changes_no_server_init(self, size: int, tail: bytes, where: list[int]) -> None:
        data = HEAD + size.to_bytes(4, "big") + tail
        whole = play(initialise(), data, eof=True)
        self.assertEqual(play(initialise(), *byte_by_byte(data), eof=True), whole)
        self.assertEqual(play(initialise(), *cut(data, where), eof=True), whole)
