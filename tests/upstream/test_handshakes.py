"""An endpoint's handshakes one after the other."""

from __future__ import annotations

import contextlib

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import (
    all_handshakes,
    byte_by_byte,
    cut,
    places,
    play,
    sized_bytes,
)
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import UpstreamRefused, VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.model import Handshake, HTTPConnect, RFBSecurity, TLSTrust

BANNER = b"RFB 003.008\n"
SERVER_INIT = bytes.fromhex("0320 0258 20180001 00ff00ff00ff 100800 000000 00000002") + b"vm"
XAPI = HTTPConnect("/console?ref=OpaqueRef:1&session_id=OpaqueRef:2", (("Host", "xen1"),))


def servers() -> list[tuple[tuple[Handshake, ...], bytes]]:
    """Return what is agreed on with real kinds of servers, and all bytes of each."""
    password, user = RFBSecurity("password"), RFBSecurity("password", "user", anonymous_tls=True)
    v3_8, init, result = b"RFB 003.008\n", SERVER_INIT, bytes(4)
    vencrypt = v3_8 + b"\x01\x13\0\x02\0\x01"
    return [
        (
            (XAPI, RFBSecurity()),
            b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + v3_8 + b"\1\1" + result + init,
        ),
        ((password,), b"RFB 003.003\n\0\0\0\x02" + bytes(16) + result + init),
        ((password,), v3_8 + b"\1\2" + bytes(16) + result + init),
        ((password,), v3_8 + b"\1\2" + bytes(16) + b"\0\0\0\1" + b"\0\0\0\2no"),
        ((password,), v3_8 + b"\0" + b"\0\0\0\2no"),
        ((password,), v3_8 + b"\1\x10" + bytes(4) + bytes(4) + result + init + bytes(8)),
        ((RFBSecurity(tls=TLSTrust()),), vencrypt + b"\0\0\1\4" + b"\1" + result + init),
        ((user,), vencrypt + b"\0\0\1\7" + b"\1\0\0\0\x0dSCRAM-SHA-256\0\0\0\1x"),
    ]


class NameTests(SynchronousTestCase):
    def test_whatever_a_server_holds_back_has_a_name(self) -> None:
        for number, (handshakes, said) in enumerate(servers()):
            dialogue = Dialogue(all_handshakes(handshakes))
            names = [dialogue.waits_for()]
            for byte in byte_by_byte(said):
                with contextlib.suppress(VNCProxyError):
                    dialogue.receive(byte)
                dialogue.tls_established()
                names.append(dialogue.waits_for())
            self.assertNotIn("an answer", names, f"server {number}")
            self.assertGreater(len({*names}), 3, f"server {number}: {names}")


class AllHandshakesTests(SynchronousTestCase):
    def test_without_handshakes_only_asks_for_the_screen(self) -> None:
        outcome = play(all_handshakes(()), SERVER_INIT)
        self.assertEqual((outcome.sent, outcome.result), (b"\x01", SERVER_INIT))

    def test_a_vnc_server(self) -> None:
        server = BANNER + b"\x01\x01" + bytes(4) + SERVER_INIT
        outcome = play(all_handshakes((RFBSecurity(),)), server)
        self.assertEqual((outcome.sent, outcome.result), (BANNER + b"\x01\x01", SERVER_INIT))

    def test_a_vnc_server_behind_a_tunnel(self) -> None:
        server = b"HTTP/1.1 200 OK\r\n\r\n" + BANNER + b"\x01\x01" + bytes(4) + SERVER_INIT
        outcome = play(all_handshakes((HTTPConnect("/vm"), RFBSecurity())), server + b"\0")
        self.assertEqual(outcome.sent, b"CONNECT /vm HTTP/1.1\r\n\r\n" + BANNER + b"\x01\x01")
        self.assertEqual((outcome.result, outcome.leftover), (SERVER_INIT, b"\0"))

    def test_the_first_failure_ends_it(self) -> None:
        outcome = play(all_handshakes((HTTPConnect("/vm"), RFBSecurity())), b"HTTP/1.1 404 No\r\n")
        self.assertEqual((outcome.error, outcome.done), (UpstreamRefused, False))


class SegmentationTests(SynchronousTestCase):
    SPECS = (HTTPConnect("/vm"), RFBSecurity())
    PREFIXES = (
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + BANNER + b"\x01\x01" + bytes(4) + SERVER_INIT[:20],
    )

    @given(st.sampled_from(PREFIXES), sized_bytes(40), places)
    def test_changes_nothing(self, prefix: bytes, tail: bytes, where: list[int]) -> None:
        data = prefix + tail
        whole = play(all_handshakes(self.SPECS), data, eof=True)
        self.assertEqual(play(all_handshakes(self.SPECS), *byte_by_byte(data), eof=True), whole)
        self.assertEqual(play(all_handshakes(self.SPECS), *cut(data, where), eof=True), whole)

    @given(st.sampled_from(PREFIXES), sized_bytes(40))
    def test_random_bytes_end_in_a_console_or_our_error(self, prefix: bytes, tail: bytes) -> None:
        outcome = play(all_handshakes(self.SPECS), prefix + tail, eof=True)
        self.assertTrue(outcome.done or issubclass(outcome.error or object, VNCProxyError))
