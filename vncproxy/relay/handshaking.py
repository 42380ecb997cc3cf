"""Runs handshakes over legs: `run_handshake` connects a generator of steps with a leg.

The leg delivers bytes and starts TLS, and does not know that a handshake runs over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from ..errors import ConfigurationError, VNCProxyError
from ..handshake.dialogue import Dialogue
from ..handshake.steps import ReadAtMost, StartTLS, StepError, Steps
from .leg import Leg
from .verifier import TLSVerifier

T = TypeVar("T")

MakeVerifier = Callable[[StartTLS], TLSVerifier]
"""Makes the verifier for a step, or raises a ``VNCProxyError``."""


class HandshakeTimeout(StepError):
    """A handshake did not end within its time limit.

    Args:
        timeout: seconds that it had.
        what: what it was waiting for, to complete "waiting for …".
    """

    def __init__(self, timeout: float, what: str) -> None:
        super().__init__(f"handshake not over within {timeout:.3g} s, waiting for {what}")
        self.what = what


def no_tls(step: StartTLS) -> TLSVerifier:
    """Refuse to start TLS: for handshakes that never do.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError("TLS cannot be started on this side")


async def run_handshake(
    leg: Leg, steps: Steps[T], timeout: float, make_verifier: MakeVerifier = no_tls
) -> T:
    """Run a handshake over a leg; the leg keeps the bytes that the handshake did not read.

    Args:
        timeout: seconds the whole handshake may take.
        make_verifier: called when the handshake starts TLS.

    Raises:
        HandshakeTimeout: it took longer.
        EndOfStream: the peer closed before the handshake had its bytes.
        Exception: any error of the handshake itself, at once.
    """
    run = _HandshakeRun(leg, steps, make_verifier)
    timer = leg.clock.callLater(timeout, run.expire, timeout)
    leg.deliver(run.receive, on_eof=run.receive_eof)
    run.receive(b"")
    if leg.is_closing:
        run.receive_eof()
    try:
        await run.finished
    finally:
        if timer.active():
            timer.cancel()
        run.cancel_step_timer()
        leg.stop_delivering(run.dialogue.leftover())
    return run.dialogue.result


class _HandshakeRun(Generic[T]):
    """One run of a handshake over a leg.

    Attributes:
        finished: fires when the handshake has returned; fails with any error that it raised.
        dialogue: the handshake.
    """

    __slots__ = (
        "_leg",
        "_make_verifier",
        "_step_timer",
        "_timed_step",
        "_tls_step",
        "dialogue",
        "finished",
    )

    def __init__(self, leg: Leg, steps: Steps[T], make_verifier: MakeVerifier) -> None:
        self.finished: Deferred[None] = Deferred()
        self.dialogue = Dialogue(steps)
        self._leg = leg
        self._make_verifier = make_verifier
        self._tls_step: StartTLS | None = None
        self._timed_step: ReadAtMost | None = None
        self._step_timer: IDelayedCall | None = None

    def receive(self, data: bytes) -> None:
        """Pass received bytes to the handshake; empty data only sends what is outgoing."""
        self._advance(self.dialogue.receive, data)

    def receive_eof(self) -> None:
        """Pass the end of the stream to the handshake."""
        self._advance(self.dialogue.receive_eof)

    def expire(self, timeout: float) -> None:
        """End the handshake, which has taken too long.

        Args:
            timeout: seconds that it had.
        """
        if not self.finished.called:
            self.finished.errback(HandshakeTimeout(timeout, self.dialogue.waits_for()))

    def cancel_step_timer(self) -> None:
        """Cancel the time limit of a single step."""
        if self._step_timer is not None and self._step_timer.active():
            self._step_timer.cancel()

    def _advance(self, change: Callable[..., None], *args: Any) -> None:
        if self.finished.called:
            return
        try:
            change(*args)
            self._leg.send(self.dialogue.outgoing())
            self._start_next_wait()
        except Exception:  # noqa: BLE001 a defect must not show by the time limit only
            failure = Failure()
            self._leg.send(self.dialogue.outgoing())
            if not self.finished.called:
                self.finished.errback(failure)

    def _start_next_wait(self) -> None:
        step = self.dialogue.pending_tls()
        if self.dialogue.done:
            self.finished.callback(None)
        elif step is not None and step is not self._tls_step:
            self._tls_step = step
            self._start_tls(step)
        else:
            self._start_step_timer()

    def _start_step_timer(self) -> None:
        step = self.dialogue.timed_step()
        if step is self._timed_step:
            return
        self.cancel_step_timer()
        self._timed_step = step
        if step is not None:
            self._step_timer = self._leg.clock.callLater(
                step.seconds, self._advance, self.dialogue.end_timed_step
            )

    def _start_tls(self, step: StartTLS) -> None:
        try:
            verified = self._leg.start_tls(self._make_verifier(step), serve=step.serve)
        except VNCProxyError as e:
            self._advance(self.dialogue.fail, e)
            return
        verified.addCallbacks(
            lambda _: self._advance(self.dialogue.tls_established), self._tls_failed
        )

    def _tls_failed(self, failure: Failure) -> None:
        if failure.check(VNCProxyError):
            self._advance(self.dialogue.fail, failure.value)
        elif not self.finished.called:
            self.finished.errback(failure)
