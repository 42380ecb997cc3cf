"""Security type Tight towards servers, stated in bytes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import Outcome, all_handshakes, byte_by_byte, play, sized_bytes
from tests.properties import given
from vncproxy.errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation
from vncproxy.handshake.steps import StartTLS
from vncproxy.model import RFBSecurity, TLSTrust
from vncproxy.rfb.security import negotiate_security
from vncproxy.rfb.server_init import initialise

START = b"RFB 003.008\n\x01\x10"
NO_TUNNELS = bytes(4)
TUNNELS = b"\0\0\0\x01" + b"\0\0\0\0TGHTNOTUNNEL"
NOAUTH = b"\0\0\0\x01STDVNOAUTH__"
VNCAUTH = b"\0\0\0\x02STDVVNCAUTH_"
VENCRYPT = b"\0\0\0\x13VENCVENCRYPT"
UNIX = b"\0\0\0\x81TGHTULGNAUTH"
OK = bytes(4)
CHALLENGE = bytes(range(16))
RESPONSE = bytes.fromhex("b866924125c8eebb9debc1db61c538e2")
SERVER_INIT = bytes.fromhex("0320 0258 20180001 00ff00ff00ff 100800 000000 00000002") + b"vm"
TAIL = bytes.fromhex("0001 0000 0001 0000") + bytes(32)


def listed(*capabilities: bytes) -> bytes:
    return len(capabilities).to_bytes(4, "big") + b"".join(capabilities)


PASSWORD = RFBSecurity("password")


def agree(server: bytes, spec: RFBSecurity = PASSWORD) -> Outcome[bool]:
    return play(negotiate_security(spec), START + server)


class TightTests(SynchronousTestCase):
    def assertAgreed(self, outcome: Outcome[bool], sent: bytes) -> None:
        self.assertEqual((outcome.detail, outcome.done, outcome.result), ("", True, True))
        self.assertEqual(outcome.sent, START[:12] + b"\x10" + sent)

    def test_without_tunnels_and_authentications(self) -> None:
        self.assertAgreed(agree(NO_TUNNELS + listed() + OK), b"")

    def test_tunnels_are_declined(self) -> None:
        self.assertAgreed(agree(TUNNELS + listed() + OK), bytes(4))

    def test_vnc_authentication(self) -> None:
        server = NO_TUNNELS + listed(NOAUTH, VNCAUTH, UNIX) + CHALLENGE + OK
        self.assertAgreed(agree(server), b"\0\0\0\x02" + RESPONSE)

    def test_no_authentication(self) -> None:
        server = NO_TUNNELS + listed(NOAUTH, UNIX) + OK
        self.assertAgreed(agree(server, RFBSecurity()), b"\0\0\0\x01")

    def test_vencrypt_where_tls_is_demanded(self) -> None:
        trust = TLSTrust()
        steps = negotiate_security(RFBSecurity(tls=trust))
        server = NO_TUNNELS + listed(VNCAUTH, VENCRYPT) + b"\0\x02\0\x01\0\0\x01\x04\x01"
        outcome = play(steps, START[:12] + b"\x01\x10" + server, under_tls=[OK])
        self.assertIs(outcome.error, None)
        self.assertEqual(outcome.tls, StartTLS(trust))

    def test_no_tls_where_it_is_demanded(self) -> None:
        for authentications in (listed(NOAUTH, VNCAUTH), listed()):
            outcome = agree(NO_TUNNELS + authentications, RFBSecurity("password", tls=TLSTrust()))
            self.assertIs(outcome.error, UpstreamUntrusted)

    def test_a_users_name_is_never_sent(self) -> None:
        outcome = agree(NO_TUNNELS + listed(UNIX), RFBSecurity("password", "fred"))
        self.assertIs(outcome.error, UpstreamViolation)

    def test_a_password_that_is_not_configured(self) -> None:
        outcome = agree(NO_TUNNELS + listed(VNCAUTH), RFBSecurity())
        self.assertIs(outcome.error, UpstreamRefused)

    def test_anything_else_is_preferred(self) -> None:
        for types, chosen in ((b"\x10\x01", b"\x01"), (b"\x10\x02\x01", b"\x02")):
            server = b"RFB 003.008\n" + bytes([len(types)]) + types
            self.assertEqual(
                play(negotiate_security(RFBSecurity("password")), server).sent[12:], chosen
            )

    def test_more_capabilities_than_any_server_has(self) -> None:
        for server in (b"\0\0\x01\x01", NO_TUNNELS + b"\xff\xff\xff\xff"):
            self.assertIs(agree(server).error, UpstreamViolation)

    def test_the_tail_of_server_init_is_dropped(self) -> None:
        server = START + NO_TUNNELS + listed() + OK + SERVER_INIT + TAIL + b"update"

        for pieces in ([server], byte_by_byte(server)):
            outcome = play(all_handshakes((RFBSecurity(),)), *pieces)
            self.assertEqual((outcome.result, outcome.leftover), (SERVER_INIT, b"update"))

    def test_a_tail_longer_than_any(self) -> None:
        outcome = play(initialise(tight_tail=True), SERVER_INIT + b"\x01\x01" + bytes(6))
        self.assertIs(outcome.error, UpstreamViolation)

    @given(sized_bytes(64))
    def test_random_bytes_raise_only_our_errors(self, server: bytes) -> None:
        agree(server)
        play(initialise(tight_tail=True), SERVER_INIT + server, eof=True)
