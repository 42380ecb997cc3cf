"""Every error of the project, by whose fault it is.

::

    VNCProxyError
    ├── ConfigurationError         the operator: a setting that cannot work
    ├── ClientError                the user's side
    │   ├── BadRequest             no token, or one that is not well formed
    │   ├── Forbidden              this page or this network may not use the token
    │   ├── TokenRefused           one sentence for all four; the log says which
    │   │   ├── TokenUnknown
    │   │   ├── TokenUsed
    │   │   ├── TokenExpired
    │   │   └── TokenRevoked
    │   ├── PolicyUnsupported      a part of a policy that is not enforced here
    │   ├── OverLimit              too many sessions
    │   └── DownstreamViolation    bytes that are not RFB or not WebSocket
    ├── ConsoleError               the virtual machine
    │   ├── VMNotFound
    │   └── ConsoleUnavailable     not running
    │       └── NoGraphicalConsole configured without a screen
    ├── HypervisorError            between the proxy and the screen
    │   ├── BackendError           the hypervisor's or cloud's API
    │   ├── UpstreamUnreachable    nothing answers at the console's address
    │   └── UpstreamViolation      it answers, and refuses or does not speak RFB
    │       ├── UpstreamRefused    it refuses our credentials, with its reason
    │       │   ├── UpstreamBusy   it lets nobody in for a while, after too many attempts
    │       │   └── ConsoleInUse   it has another viewer, and admits one
    │       ├── UpstreamClosed     it closes the connection before it has shown anything
    │       └── UpstreamUntrusted  it cannot prove who it is, or offers too little protection
    ├── StoreUnavailable           the token store
    ├── AuditUnavailable           the audit file
    ├── Busy                       more users at once than this proxy can serve
    ├── ConfirmationNeeded         nobody's: a button is to be pressed before the token is redeemed
    └── SessionEnded               why an open session was closed
        ├── ClientGone, ConsoleEnded (ConsoleMoved, ConsoleTaken), ConnectionLost
        ├── EndedByAdministrator, TimeLimit, IdleLimit, Superseded
        └── ProxyStopping

Each class carries what a user may read (``public``), the HTTP status of the API and of a
``CONNECT`` reply (``status``), the WebSocket close code (``close_code``: 4000-4099 final, 4100-4199
where reconnecting makes sense), the word that stands in the audit log (``code``) and the seconds
within which another try makes sense (``retry_after``, 0 for no promise). The argument of the
constructor is the detail for the log; it never reaches a user.
"""

from __future__ import annotations

from typing import ClassVar, Self

from .text import printable_lines


class VNCProxyError(Exception):
    """The root of the tree.

    Args:
        detail: facts for the log, lower case, with numbers.
        public: a sentence for the user that replaces the class's own.
    """

    public: ClassVar[str] = "The console failed."
    status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    code: ClassVar[str] = "internal-error"
    ask_administrator: ClassVar[bool] = False
    retry_after: ClassVar[int] = 0

    def __init__(self, detail: str = "", *, public: str | None = None) -> None:
        # both may quote what a stranger, a guest's owner or a hypervisor has sent
        self.detail = printable_lines(detail)
        super().__init__(self.detail)
        self._public = printable_lines(public) if public else public

    def __str__(self) -> str:
        return self.detail or self.sentence()

    def sentence(self, session_id: str = "", limit: int | None = None) -> str:
        """Return what the user may read.

        Args:
            session_id: ends the sentence of a refusal, and stands in the line of the log that says
                why; empty for the end of an open session.
            limit: the most bytes of UTF-8; words are cut for it, and never the id.
        """
        text = self._public or self.public
        tail = ""
        if session_id:
            tail = f" Ask your administrator, id {session_id}."
            if not self.ask_administrator:
                tail = f" (id {session_id})"
        if limit is not None:
            room = max(0, limit - len(tail.encode()))
            text = text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
        return text + tail


class ConfigurationError(VNCProxyError):
    """A setting that cannot work."""

    public = "The console service is not set up as this console needs it."
    code = "configuration"
    ask_administrator = True


class ClientError(VNCProxyError):
    """The user's side did something that cannot be served."""

    public = "The request was not understood."
    status = 400
    close_code = 4000
    code = "bad-request"


class BadRequest(ClientError):
    """No token, or one that is not well formed."""

    public = "The link has no valid token. Ask for a new console link."


class Forbidden(ClientError):
    """This page or this network may not use the token."""

    public = "This console cannot be opened from here."
    status = 403
    close_code = 4003
    code = "forbidden"


class TokenRefused(ClientError):
    """The token is not, or no longer, good: strangers are not told why.

    Attributes:
        vm: the machine that it was for, in words, where the store still knows it; for the log.
        user: the same of whom it was issued to.
    """

    vm = ""
    user = ""

    public = "This console link is not valid any more. Ask for a new one."
    status = 401
    close_code = 4001
    code = "token-refused"

    def about(self, vm: object, user: str) -> Self:
        """Return this error, which knows whose token it was."""
        self.vm, self.user = str(vm), user
        return self


class TokenUnknown(TokenRefused):
    """No such token."""

    code = "token-unknown"


class TokenUsed(TokenRefused):
    """All uses of the token are taken."""

    code = "token-used"


class TokenExpired(TokenRefused):
    """The token's time is over."""

    code = "token-expired"


class TokenRevoked(TokenRefused):
    """The token was taken back."""

    code = "token-revoked"


class PolicyUnsupported(ClientError):
    """A part of a policy that this proxy does not enforce, refused when the token is issued."""

    public = "This policy cannot be enforced here."
    status = 422
    code = "policy-unsupported"


class OverLimit(ClientError):
    """Too many sessions."""

    public = "Too many consoles are open. Close one, or try again in a moment."
    status = 503
    close_code = 4102
    code = "over-limit"


class DownstreamViolation(ClientError):
    """The user's side sent bytes that are not RFB or not WebSocket."""

    public = "The viewer does not speak the RFB protocol."
    close_code = 1002
    code = "downstream-violation"


class ConsoleError(VNCProxyError):
    """The virtual machine has no console to show."""


class VMNotFound(ConsoleError):
    """The backend knows no such virtual machine."""

    public = "The virtual machine was not found."
    status = 404
    close_code = 4004
    code = "vm-not-found"


class ConsoleUnavailable(ConsoleError):
    """The virtual machine exists, and shows no screen in its present state.

    Args:
        state: completes "The virtual machine is …": ``shut off``, ``paused by an I/O error``.
    """

    status = 409
    close_code = 4100
    code = "console-unavailable"

    def __init__(self, state: str, detail: str = "", *, public: str | None = None) -> None:
        super().__init__(detail or state, public=public or f"The virtual machine is {state}.")
        self.state = state


class NoGraphicalConsole(ConsoleUnavailable):
    """The virtual machine is configured without a screen that could be shown."""

    close_code = 4009
    code = "no-graphical-console"

    def __init__(self, detail: str = "", *, public: str | None = None) -> None:
        super().__init__(
            "without a graphical console",
            detail,
            public=public or "The virtual machine has no graphical console.",
        )


class HypervisorError(VNCProxyError):
    """Something between the proxy and the screen failed."""

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
    """The console's server answers, and does not speak RFB as it should."""

    public = "The hypervisor did not answer as a console should."
    code = "upstream-violation"


class UpstreamRefused(UpstreamViolation):
    """The console's server refuses the proxy, with the server's reason as detail.

    Args:
        http_status: what an HTTP server answered to ``CONNECT``; 0 for any other refusal.
    """

    public = "The hypervisor refused the connection to the console."
    code = "upstream-refused"

    def __init__(
        self, detail: str = "", *, public: str | None = None, http_status: int = 0
    ) -> None:
        super().__init__(detail, public=public)
        self.http_status = http_status


class UpstreamBusy(UpstreamRefused):
    """The console's server takes no connection for a while: too many attempts came before."""

    public = "The console takes no more connections at the moment. Try again in a moment."
    status = 503
    close_code = 4102
    code = "upstream-busy"
    ask_administrator = False


class ConsoleInUse(UpstreamRefused):
    """The console's server has another viewer, and is set up to admit one at a time."""

    public = "Somebody else has this console open, and it admits one viewer. Try again later."
    status = 503
    close_code = 4102
    code = "console-in-use"
    ask_administrator = False


class UpstreamClosed(UpstreamViolation):
    """The console's server closes the connection before its handshakes are over, without a word.

    Args:
        before_reply: whether it is an HTTP server that did not even answer ``CONNECT``.
    """

    public = "The hypervisor closed the connection to the console."
    code = "upstream-closed"

    def __init__(
        self, detail: str = "", *, public: str | None = None, before_reply: bool = False
    ) -> None:
        super().__init__(detail, public=public)
        self.before_reply = before_reply


class UpstreamUntrusted(UpstreamViolation):
    """The console's server is not verified as the one that is configured, or offers no TLS.

    The detail says which check failed, what was presented and what could be configured.
    """

    public = "The hypervisor could not prove its identity."
    code = "upstream-untrusted"


class StoreUnavailable(VNCProxyError):
    """The token store does not answer."""

    public = "The console service is not available at the moment. Try again in a minute."
    status = 503
    close_code = 4102
    code = "store-unavailable"


class Busy(VNCProxyError):
    """More users came at once than this proxy can serve: nothing was tried."""

    public = "The console service is busy. Try again in a moment."
    status = 503
    close_code = 4115
    code = "busy"
    retry_after = 8


class ConfirmationNeeded(VNCProxyError):
    """A link asks its user before it is redeemed, because programs open links, too.

    Args:
        name: what the machine is called; empty where it is not known before.
    """

    status = 428
    close_code = 4120
    code = "confirmation-needed"

    def __init__(self, name: str = "") -> None:
        what = f"of {name} " if name else ""
        sentence = f"The console {what}opens when you press the button on its page."
        super().__init__("the link asks before it is redeemed", public=sentence)


class AuditUnavailable(VNCProxyError):
    """The audit file cannot be written, and no session may begin without a line."""

    public = StoreUnavailable.public
    status = 503
    close_code = 4102
    code = "audit-unavailable"


class SessionEnded(VNCProxyError):
    """Why an open session was closed."""

    public = "The console was closed."
    close_code = 1000
    code = "closed"


class ClientGone(SessionEnded):
    """The user closed the page or the viewer."""

    code = "client-gone"


class ConsoleEnded(SessionEnded):
    """The hypervisor closed the console: the machine stopped, restarted or moved."""

    public = "The virtual machine closed its console: it was stopped, restarted or moved."
    close_code = 4103
    code = "console-ended"


class ConsoleMoved(ConsoleEnded):
    """The console ended because the machine runs on another host now."""

    public = "The virtual machine moved to another host. Reconnect to go on."
    code = "console-moved"


class ConsoleTaken(ConsoleEnded):
    """The console ended and its server still admits viewers: another one has it.

    That one came later and was given it, or was there before and is the only one that may see it.
    """

    public = "Another viewer has this console, which is shown to one at a time."
    close_code = 4104
    code = "console-taken"


class ConnectionLost(SessionEnded):
    """A side stopped answering."""

    public = "The connection to the console was lost."
    close_code = 4103
    code = "connection-lost"


class EndedByAdministrator(SessionEnded):
    """An administrator ended the session, or revoked its token."""

    public = "An administrator ended this console."
    close_code = 4010
    code = "ended-by-administrator"


class TimeLimit(SessionEnded):
    """The session reached the longest duration its policy allows."""

    public = "The time allowed for this console is over."
    close_code = 4011
    code = "time-limit"


class IdleLimit(SessionEnded):
    """No byte went either way for as long as the policy allows."""

    public = "The console was closed because it was idle."
    close_code = 4112
    code = "idle-limit"


class Superseded(SessionEnded):
    """The same browser opened the console again: a session for each resume cookie, the newest."""

    public = "This console was opened again in another tab or window."
    status = 409
    close_code = 4114
    code = "superseded"


class ProxyStopping(SessionEnded):
    """This proxy is shutting down; another one, or the next start, can serve the user."""

    public = "The console service is restarting. Reconnect in a moment."
    status = 503
    close_code = 4113
    code = "proxy-stopping"
