"""The server's handshake, byte by byte from RFC 6143 section 7.1."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.demo.login import log_in
from vncproxy.errors import DownstreamViolation, VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.rfb.versions import NotRFB, Version

CHALLENGE = bytes(range(16))
RIGHT = bytes.fromhex("b866924125c8eebb9debc1db61c538e2")
REASON = b"\0\0\0\x16The password is wrong."


class LogInTests(SynchronousTestCase):
    def dialogue(
        self, password: str | None = None, version: Version = Version.V3_8
    ) -> Dialogue[bool]:
        steps = log_in(b"INIT", password, version=version, random_bytes=lambda n: CHALLENGE[:n])
        return Dialogue(steps)

    def answers(self, dialogue: Dialogue[bool], sayings: Iterable[bytes]) -> list[bytes]:
        """Return the banner and what is answered to each saying."""
        found = [dialogue.outgoing()]
        for saying in sayings:
            dialogue.receive(saying)
            found.append(dialogue.outgoing())
        return found

    def test_3_8_without_a_password(self) -> None:
        dialogue = self.dialogue()

        found = self.answers(dialogue, [b"RFB 003.008\n", b"\x01", b"\x01"])

        self.assertEqual(found, [b"RFB 003.008\n", b"\x01\x01", bytes(4), b"INIT"])
        self.assertTrue(dialogue.result)

    def test_3_7_without_a_password_has_no_result(self) -> None:
        found = self.answers(self.dialogue(), [b"RFB 003.007\n", b"\x01", b"\x01"])

        self.assertEqual(found[1:], [b"\x01\x01", b"", b"INIT"])

    def test_3_3_without_a_password_is_told_the_type(self) -> None:
        found = self.answers(self.dialogue(), [b"RFB 003.003\n", b"\x00"])

        self.assertEqual(found[1:], [b"\0\0\0\x01", b"INIT"])

    def test_the_right_password(self) -> None:
        for version, choice, offer in [
            (b"RFB 003.008\n", b"\x02", b"\x01\x02"),
            (b"RFB 003.007\n", b"\x02", b"\x01\x02"),
            (b"RFB 003.003\n", b"", b"\0\0\0\x02"),
        ]:
            dialogue = self.dialogue("password")

            found = self.answers(dialogue, [version, choice, RIGHT, b"\x01"])

            self.assertEqual(b"".join(found[1:3]), offer + CHALLENGE)
            self.assertEqual(found[3:], [bytes(4), b"INIT"])

    def test_a_wrong_password_is_refused_and_3_8_is_told_why(self) -> None:
        for version, choice, reason in [
            (b"RFB 003.008\n", b"\x02", REASON),
            (b"RFB 003.007\n", b"\x02", b""),
            (b"RFB 003.003\n", b"", b""),
        ]:
            dialogue = self.dialogue("password")

            found = self.answers(dialogue, [version, choice, bytes(16)])

            self.assertEqual(found[3], b"\0\0\0\x01" + reason)
            self.assertIs(dialogue.result, False)

    def test_an_empty_password_is_still_a_password(self) -> None:
        found = self.answers(self.dialogue(""), [b"RFB 003.008\n"])

        self.assertEqual(found[1], b"\x01\x02")

    def test_an_older_server_is_not_outdone(self) -> None:
        dialogue = self.dialogue(version=Version.V3_3)

        found = self.answers(dialogue, [b"RFB 003.008\n"])

        self.assertEqual(found, [b"RFB 003.003\n", b"\0\0\0\x01"])

    def test_a_type_that_was_not_offered_is_refused(self) -> None:
        dialogue = self.dialogue("password")

        with self.assertRaisesRegex(DownstreamViolation, "chose security type 1, offered 2"):
            self.answers(dialogue, [b"RFB 003.008\n", b"\x01"])

    def test_no_banner_is_refused(self) -> None:
        self.assertRaises(NotRFB, self.dialogue().receive, b"GET / HTTP/1")

    @given(st.binary(max_size=60))
    def test_random_bytes_raise_only_our_errors(self, data: bytes) -> None:
        for start in (b"", b"RFB 003.008\n", b"RFB 003.003\n"):
            try:
                self.dialogue("password").receive(start + data)
            except VNCProxyError as e:
                self.assertTrue(e.detail)
