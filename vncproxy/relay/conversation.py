"""Runs a handshake on a leg, under TLS where the handshake says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..errors import ConfigurationError, VNCProxyError
from ..steps import Dialogue, StartTLS, Steps

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

    Attributes:
        over: fires when the handshake has returned; fails with what it raised.
        dialogue: the handshake.
    """

    __slots__ = ("_leg", "_secure", "_securing", "dialogue", "over")

    def __init__(self, leg: Leg, steps: Steps[T], secure: Secure) -> None:
        self.over: Deferred[None] = Deferred()
        self.dialogue = Dialogue(steps)
        self._leg = leg
        self._secure = secure
        self._securing: StartTLS | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes that arrived; none only sends what is to be sent."""
        self._advance(self.dialogue.receive, data)

    def receive_eof(self) -> None:
        """Take note that nothing more will come."""
        self._advance(self.dialogue.receive_eof)

    def _advance(self, change: Callable[..., None], *args: Any) -> None:
        if self.over.called:
            return
        try:
            change(*args)
        except VNCProxyError:
            self._leg.send(self.dialogue.outgoing())
            self.over.errback(Failure())
        else:
            self._leg.send(self.dialogue.outgoing())
            self._go_on()

    def _go_on(self) -> None:
        step = self.dialogue.starts_tls()
        if self.dialogue.done:
            self.over.callback(None)
        elif step is not None and step is not self._securing:
            self._securing = step
            self._start_tls(step)

    def _start_tls(self, step: StartTLS) -> None:
        try:
            secured = self._leg.start_tls(self._secure(step))
        except VNCProxyError as e:
            self._advance(self.dialogue.fail, e)
            return
        secured.addCallbacks(
            lambda _: self._advance(self.dialogue.tls_is_up),
            lambda failure: self._advance(self.dialogue.fail, failure.value),
        )
