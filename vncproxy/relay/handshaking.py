"""Runs a handshake on a leg, under TLS where the handshake says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from ..errors import ConfigurationError, VNCProxyError
from ..handshake.steps import Dialogue, ReadAtMost, StartTLS, Steps

if TYPE_CHECKING:
    from .leg import Leg

T = TypeVar("T")


class Verifier(Protocol):
    """One TLS connection to come, and the judgement on its server."""

    def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
        """Return the connection; called by Twisted (``IOpenSSLClientConnectionCreator``)."""

    def verify(self) -> None:
        """Verify the server once the TLS handshake is over.

        Raises:
            VNCProxyError: it is another one.
        """

    def failure(self, reason: Failure) -> VNCProxyError:
        """Return why the TLS handshake failed."""


Secure = Callable[[StartTLS], Verifier]
"""Makes the verifier for a step, or raises a ``VNCProxyError``."""


def no_tls(step: StartTLS) -> Verifier:
    """Refuse to start TLS: for handshakes that never do.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError("TLS cannot be started on this side")


class Conversation(Generic[T]):
    """One handshake on a leg.

    Args:
        clock: for steps that have a time of their own.

    Attributes:
        over: fires when the handshake has returned; fails with what it raised, whatever that is.
        dialogue: the handshake.
    """

    __slots__ = ("_clock", "_leg", "_secure", "_securing", "_timed", "_timer", "dialogue", "over")

    def __init__(self, leg: Leg, steps: Steps[T], secure: Secure, clock: IReactorTime) -> None:
        self.over: Deferred[None] = Deferred()
        self.dialogue = Dialogue(steps)
        self._leg = leg
        self._secure = secure
        self._clock = clock
        self._securing: StartTLS | None = None
        self._timed: ReadAtMost | None = None
        self._timer: IDelayedCall | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes that arrived; none only sends what is to be sent."""
        self._advance(self.dialogue.receive, data)

    def receive_eof(self) -> None:
        """Take note that nothing more will come."""
        self._advance(self.dialogue.receive_eof)

    def stop(self) -> None:
        """Forget the time of a step, once the handshake is over or given up."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _advance(self, change: Callable[..., None], *args: Any) -> None:
        if self.over.called:
            return
        try:
            change(*args)
            self._leg.send(self.dialogue.outgoing())
            self._go_on()
        except Exception:  # noqa: BLE001 a defect must not be noticed by its time limit only
            failure = Failure()
            self._leg.send(self.dialogue.outgoing())
            if not self.over.called:
                self.over.errback(failure)

    def _go_on(self) -> None:
        step = self.dialogue.starts_tls()
        if self.dialogue.done:
            self.over.callback(None)
        elif step is not None and step is not self._securing:
            self._securing = step
            self._start_tls(step)
        else:
            self._watch_the_time()

    def _watch_the_time(self) -> None:
        step = self.dialogue.may_end()
        if step is self._timed:
            return
        self.stop()
        self._timed = step
        if step is not None:
            self._timer = self._clock.callLater(
                step.seconds, self._advance, self.dialogue.time_is_over
            )

    def _start_tls(self, step: StartTLS) -> None:
        try:
            secured = self._leg.start_tls(self._secure(step))
        except VNCProxyError as e:
            self._advance(self.dialogue.fail, e)
            return
        secured.addCallbacks(lambda _: self._advance(self.dialogue.tls_is_up), self._not_secured)

    def _not_secured(self, failure: Failure) -> None:
        if failure.check(VNCProxyError):
            self._advance(self.dialogue.fail, failure.value)
        elif not self.over.called:
            self.over.errback(failure)
