"""SASL towards servers, stated in bytes; SCRAM with the examples of its specifications."""

from __future__ import annotations

from unittest import mock

from scramp import ScramClient, ScramMechanism
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import Outcome, byte_by_byte, play, sized_bytes
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation, VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.model import RFBSecurity, TLSTrust
from vncproxy.rfb import scram
from vncproxy.rfb.sasl import log_in

USER = RFBSecurity("pencil", "user", TLSTrust())
PLAIN = b"\0\0\0\x05PLAIN\0\0\0\x0d\0user\0pencil\0"

# RFC 7677 section 3
NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
CHALLENGE = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = (
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
PROOF = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def server(text: str, complete: bool = False) -> bytes:
    """Return one message of a server: its NUL counts."""
    data = text.encode() + b"\0" if text else b""
    return len(data).to_bytes(4, "big") + data + bytes([complete])


def client(text: str) -> bytes:
    return server(text)[:-1]


def mechanisms(text: str) -> bytes:
    return len(text).to_bytes(4, "big") + text.encode()


def agree(*said: bytes, spec: RFBSecurity = USER, eof: bool = False) -> Outcome[None]:
    return play(log_in(spec), b"".join(said), eof=eof)


class PlainTests(SynchronousTestCase):
    def test_name_and_password_with_the_nul_that_counts(self) -> None:
        outcome = agree(mechanisms("PLAIN"), server("", True))
        self.assertEqual((outcome.sent, outcome.done), (PLAIN, True))

    def test_only_for_a_server_that_is_verified(self) -> None:
        for trust in (None, TLSTrust(verify=False)):
            outcome = agree(mechanisms("PLAIN"), spec=RFBSecurity("pencil", "user", trust))
            self.assertIs(outcome.error, UpstreamUntrusted)
            self.assertEqual(outcome.sent, b"")

    def test_no_password_is_an_empty_one(self) -> None:
        outcome = agree(mechanisms("PLAIN"), spec=RFBSecurity(None, "user", TLSTrust()))
        self.assertTrue(outcome.sent.endswith(b"\0\0\0\x07\0user\0\0"))

    def test_more_questions_than_it_has(self) -> None:
        outcome = agree(mechanisms("PLAIN"), server("", False))
        self.assertIs(outcome.error, UpstreamViolation)

    def test_a_server_that_closes_does_not_know_the_user(self) -> None:
        outcome = agree(mechanisms("PLAIN"), eof=True)
        self.assertIs(outcome.error, UpstreamRefused)
        self.assertIn("user@realm", outcome.detail)


class ScramTests(SynchronousTestCase):
    def setUp(self) -> None:
        def with_a_known_nonce(names: list[str], user: str, password: str) -> ScramClient:
            return ScramClient(names, user, password, c_nonce=NONCE)

        patch = mock.patch.object(scram, "ScramClient", with_a_known_nonce)
        patch.start()
        self.addCleanup(patch.stop)

    def test_the_example_of_the_specification(self) -> None:
        said = mechanisms("PLAIN,SCRAM-SHA-256"), server(CHALLENGE), server(PROOF, True)

        outcome = agree(*said)

        self.assertTrue(outcome.done)
        name = b"\0\0\0\x0dSCRAM-SHA-256"
        self.assertEqual(outcome.sent, name + client(FIRST) + client(FINAL))
        self.assertEqual(play(log_in(USER), *byte_by_byte(b"".join(said))), outcome)

    def test_the_proof_may_be_followed_by_an_empty_message(self) -> None:
        start = mechanisms("SCRAM-SHA-256"), server(CHALLENGE), server(PROOF)

        outcome = agree(*start, server("", True))

        self.assertTrue(outcome.done)
        self.assertTrue(outcome.sent.endswith(client(FINAL) + bytes(4)))
        self.assertIs(agree(*start, server("")).error, UpstreamViolation)

    def test_a_server_that_does_not_know_the_password(self) -> None:
        for proof in ("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "e=invalid-proof", ""):
            outcome = agree(mechanisms("SCRAM-SHA-256"), server(CHALLENGE), server(proof, True))
            self.assertIs(outcome.error, UpstreamRefused)

    def test_a_server_that_asks_for_no_proof(self) -> None:
        outcome = agree(mechanisms("SCRAM-SHA-256"), server("", True))
        self.assertIs(outcome.error, UpstreamViolation)

    def test_a_server_that_asks_for_hours_of_hashing(self) -> None:
        for rounds in ("100001", "999999999", "9999999999", "x", "-1"):
            challenge = CHALLENGE.replace("4096", rounds)
            outcome = agree(mechanisms("SCRAM-SHA-256"), server(challenge))
            self.assertIs(outcome.error, UpstreamViolation)
            self.assertIn("iterations up to 100000", outcome.detail)

    def test_a_challenge_with_another_nonce(self) -> None:
        challenge = CHALLENGE.replace(NONCE, "another-nonce-of-ours")
        outcome = agree(mechanisms("SCRAM-SHA-256"), server(challenge))
        self.assertIs(outcome.error, UpstreamViolation)
        self.assertNotIn("pencil", outcome.detail)

    def test_a_password_that_scram_forbids_is_not_told(self) -> None:
        spec = RFBSecurity("pen\x07cil", "user", TLSTrust())
        outcome = agree(mechanisms("SCRAM-SHA-256"), spec=spec)
        self.assertIs(outcome.error, UpstreamRefused)
        self.assertEqual(outcome.detail, "user name or password cannot be used with SCRAM-SHA-256")


class MechanismTests(SynchronousTestCase):
    def chosen(self, offered: str, spec: RFBSecurity = USER) -> bytes:
        sent = agree(mechanisms(offered), spec=spec).sent
        return sent[4 : 4 + int.from_bytes(sent[:4], "big")]

    def test_the_strongest_is_taken(self) -> None:
        self.assertEqual(self.chosen("PLAIN,SCRAM-SHA-1,SCRAM-SHA-256"), b"SCRAM-SHA-256")
        everything = "PLAIN,SCRAM-SHA-1,SCRAM-SHA-256,SCRAM-SHA-512,SCRAM-SHA-512-PLUS"
        self.assertEqual(self.chosen(everything), b"SCRAM-SHA-512")
        self.assertEqual(self.chosen("plain,scram-sha-1"), b"SCRAM-SHA-1")
        self.assertEqual(self.chosen("GSSAPI,PLAIN"), b"PLAIN")

    def test_scram_needs_no_verified_server(self) -> None:
        spec = RFBSecurity("pencil", "user", anonymous_tls=True)
        self.assertEqual(self.chosen("PLAIN,SCRAM-SHA-256", spec), b"SCRAM-SHA-256")

    def test_none_that_is_spoken_here(self) -> None:
        for offered in ("GSSAPI,DIGEST-MD5", ""):
            outcome = agree(mechanisms(offered))
            self.assertIs(outcome.error, UpstreamRefused)
            self.assertIn("none is spoken here", outcome.detail)

    def test_a_server_without_the_plug_in_of_its_mechanism(self) -> None:
        for outcome in (agree(mechanisms("")), agree(eof=True)):
            self.assertIs(outcome.error, UpstreamRefused)
            self.assertIn("may lack the plug-in of the mechanisms", outcome.detail)

    def test_a_real_exchange_with_each_scram(self) -> None:
        for name in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            mechanism = ScramMechanism(name)
            known = mechanism.make_auth_info("pencil")
            peer = mechanism.make_server(lambda _, known=known: known)
            dialogue = Dialogue(log_in(USER))
            dialogue.receive(mechanisms(name))
            peer.set_client_first(dialogue.outgoing()[8 + len(name) : -1].decode())
            dialogue.receive(server(peer.get_server_first()))
            peer.set_client_final(dialogue.outgoing()[4:-1].decode())
            dialogue.receive(server(peer.get_server_final(), True))
            self.assertTrue(dialogue.done)


class LimitTests(SynchronousTestCase):
    def test_a_message_longer_than_any(self) -> None:
        for start in (b"", mechanisms("PLAIN")):
            self.assertIs(agree(start + b"\0\0\x10\x01").error, UpstreamViolation)

    @given(sized_bytes(64), st.sampled_from(["PLAIN", "SCRAM-SHA-256"]), sized_bytes(64))
    def test_random_bytes_raise_only_our_errors(self, list_: bytes, name: str, data: bytes) -> None:
        for start in (list_, mechanisms(name)):
            message = len(data).to_bytes(4, "big") + data + b"\0"
            outcome = agree(start, message, message, eof=True)
            self.assertTrue(outcome.error is None or issubclass(outcome.error, VNCProxyError))
