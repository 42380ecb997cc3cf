"""Errors between the proxy and the screen."""

from __future__ import annotations

from .root import VNCProxyError


class HypervisorError(VNCProxyError):
    """A failure between the proxy and the screen."""

    public = "The hypervisor could not show the console."
    status = 502
    close_code = 4101
    code = "hypervisor-error"
    ask_administrator = True


class BackendError(HypervisorError):
    """The hypervisor's or cloud's API failed."""

    public = "The virtual machine could not be looked up."
    code = "backend-error"


class UpstreamUnreachable(HypervisorError):
    """Nothing answers at the console's address."""

    public = "The hypervisor could not be reached."
    code = "upstream-unreachable"


class UpstreamViolation(HypervisorError):
    """The console's server answers, and violates RFB."""

    public = "The hypervisor did not answer as a console should."
    code = "upstream-violation"


class UpstreamRefused(UpstreamViolation):
    """The console's server refuses the proxy; the detail is the server's reason.

    Args:
        http_status: an HTTP server's status for ``CONNECT``; 0 for any other refusal.
        reason: the sentence that an RFB server gives; empty for none.

    Attributes:
        peer_close: the close code of a server that speaks RFB in a web socket; 0 for none.
    """

    public = "The hypervisor refused the connection to the console."
    code = "upstream-refused"

    def __init__(
        self,
        detail: str = "",
        *,
        public: str | None = None,
        http_status: int = 0,
        reason: str = "",
    ) -> None:
        super().__init__(detail, public=public)
        self.http_status = http_status
        self.reason = reason
        self.peer_close = 0


class UpstreamBusy(UpstreamRefused):
    """The console's server refuses connections for a while, after too many attempts."""

    public = "The console takes no more connections at the moment. Try again in a moment."
    status = 503
    close_code = 4102
    code = "upstream-busy"
    ask_administrator = False


class ConsoleInUse(UpstreamRefused):
    """The console's server has another viewer, and is configured to admit one at a time."""

    public = "Somebody else has this console open, and it admits one viewer. Try again later."
    status = 503
    close_code = 4102
    code = "console-in-use"
    ask_administrator = False


class UpstreamClosed(UpstreamViolation):
    """The console's server closes the connection during a handshake, without a reason.

    Args:
        before_reply: whether an HTTP server did so before it answered ``CONNECT``.
    """

    public = "The hypervisor closed the connection to the console."
    code = "upstream-closed"

    def __init__(
        self, detail: str = "", *, public: str | None = None, before_reply: bool = False
    ) -> None:
        super().__init__(detail, public=public)
        self.before_reply = before_reply


class UpstreamUntrusted(UpstreamViolation):
    """The console's server fails the verification of its identity, or offers no TLS.

    The detail names the failed check, what was presented and what could be configured.
    """

    public = "The hypervisor could not prove its identity."
    code = "upstream-untrusted"
