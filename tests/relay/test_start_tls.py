"""TLS that a handshake starts on a leg in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost as TwistedConnectionLost
from twisted.internet.interfaces import ISSLTransport, ITLSTransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides, providedBy

from vncproxy.errors import (
    ConfigurationError,
    ConsoleEnded,
    UpstreamUntrusted,
    UpstreamViolation,
    VNCProxyError,
)
from vncproxy.handshake.steps import EndOfStream, Read, StartTLS, Steps, Write
from vncproxy.model import TLSTrust
from vncproxy.relay.handshaking import run_handshake
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.verifier import TLSVerifier
from vncproxy.relay.websocket_framing import WebSocketFraming
from vncproxy.testing import MemoryPeer

TRUST = TLSTrust(name="hv1")


def secured() -> Steps[bytes]:
    yield Write(b"tls?")
    yield Read(1)
    yield StartTLS(TRUST)
    yield Write(b"secret")
    return (yield Read(2))


class FixedVerifier:
    """A verifier with a fixed result.

    Args:
        verdict: what is wrong with the server.
    """

    def __init__(self, verdict: Exception | None = None) -> None:
        self.verdict = verdict
        self.reason: Failure | None = None

    def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
        raise AssertionError("no TLS here")

    def verify(self) -> None:
        if self.verdict is not None:
            raise self.verdict

    def failure(self, reason: Failure) -> VNCProxyError:
        self.reason = reason
        return UpstreamViolation("TLS handshake failed")


class TLSPeer(MemoryPeer):
    """A connection that can start TLS, and records that it did."""

    def __init__(self, protocol: Leg) -> None:
        self.started: list[tuple[Any, bool]] = []
        directlyProvides(self, ITLSTransport, providedBy(self))
        super().__init__(protocol)

    def startTLS(self, creator: Any, normal: bool = True) -> bool:
        self.started.append((creator, normal))
        directlyProvides(self, ISSLTransport, providedBy(self))
        return True


class TLSTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.leg = Leg(RawFraming(), self.clock, ConsoleEnded)
        self.peer = TLSPeer(self.leg)
        self.verifier = FixedVerifier()
        self.asked: list[StartTLS] = []

    def secure(self, step: StartTLS) -> TLSVerifier:
        self.asked.append(step)
        return self.verifier

    def start(self, steps: Steps[bytes] | None = None) -> Deferred[bytes]:
        talk = run_handshake(self.leg, steps or secured(), 10, self.secure)
        return Deferred.fromCoroutine(talk)

    def test_goes_on_once_the_server_is_verified(self) -> None:
        talk = self.start()
        self.peer.send(b"y")
        self.assertEqual(
            (self.peer.started, self.asked), ([(self.verifier, True)], [StartTLS(TRUST)])
        )
        self.assertEqual(self.peer.receive(), b"tls?")

        self.leg.handshakeCompleted()
        self.peer.send(b"ok")

        self.assertEqual(self.peer.receive(), b"secret")
        self.assertEqual(self.successResultOf(talk), b"ok")

    def test_a_server_that_is_another_one_is_told_nothing(self) -> None:
        self.verifier.verdict = UpstreamUntrusted("another one")
        talk = self.start()
        self.peer.send(b"y")

        self.leg.handshakeCompleted()

        self.failureResultOf(talk, UpstreamUntrusted)
        self.assertEqual(self.peer.receive(), b"tls?")

    def test_a_verifier_with_a_defect_ends_it_at_once(self) -> None:
        self.verifier.verdict = KeyError("a defect")
        talk = self.start()
        self.peer.send(b"y")

        self.leg.handshakeCompleted()

        self.failureResultOf(talk, KeyError)
        self.assertEqual(self.peer.receive(), b"tls?")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_verifier_that_is_not_made_for_a_defect(self) -> None:
        def broken(step: StartTLS) -> TLSVerifier:
            raise KeyError("a defect")

        talk = Deferred.fromCoroutine(run_handshake(self.leg, secured(), 10, broken))
        self.peer.send(b"y")

        self.failureResultOf(talk, KeyError)

    def test_why_tls_failed_is_told_by_the_verifier(self) -> None:
        talk = self.start()
        self.peer.send(b"y")

        self.peer.reset()

        self.assertEqual(
            self.failureResultOf(talk, UpstreamViolation).value.detail, "TLS handshake failed"
        )
        assert self.verifier.reason is not None
        self.assertTrue(self.verifier.reason.check(TwistedConnectionLost))
        self.assertTrue(self.leg.is_closing)

    def test_a_verifier_that_cannot_be_made(self) -> None:
        def unusable(step: StartTLS) -> TLSVerifier:
            raise ConfigurationError("/ca.pem cannot be used")

        talk = Deferred.fromCoroutine(run_handshake(self.leg, secured(), 10, unusable))
        self.peer.send(b"y")

        self.failureResultOf(talk, ConfigurationError)
        self.assertEqual(self.peer.started, [])

    def test_a_leg_that_was_given_no_verifier_starts_no_tls(self) -> None:
        talk = Deferred.fromCoroutine(run_handshake(self.leg, secured(), 10))
        self.peer.send(b"y")

        self.failureResultOf(talk, ConfigurationError)

    def test_no_tls_within_tls(self) -> None:
        directlyProvides(self.peer, ISSLTransport, providedBy(self.peer))
        talk = self.start()
        self.peer.send(b"y")

        self.failureResultOf(talk, UpstreamViolation)

    def test_no_tls_within_a_web_socket(self) -> None:
        self.leg.set_framing(WebSocketFraming(client=True))
        talk = self.start()
        self.peer.send(b"\x82\x01y")

        self.failureResultOf(talk, UpstreamViolation)

    def test_a_time_limit_holds_while_tls_starts(self) -> None:
        talk = self.start()
        self.peer.send(b"y")

        self.clock.advance(10)

        self.failureResultOf(talk)
        self.leg.handshakeCompleted()
        self.assertEqual(self.peer.receive(), b"tls?")

    def test_cancelling_while_tls_starts(self) -> None:
        talk = self.start()
        self.peer.send(b"y")

        talk.cancel()

        self.failureResultOf(talk)
        self.peer.reset()
        self.assertTrue(self.leg.closed.called)

    def test_an_end_once_tls_is_up_is_the_end_of_the_stream(self) -> None:
        talk = self.start()
        self.peer.send(b"y")
        self.leg.handshakeCompleted()

        self.peer.close()

        self.failureResultOf(talk, EndOfStream)

    def test_tls_that_was_not_asked_for_is_not_judged(self) -> None:
        self.leg.handshakeCompleted()
