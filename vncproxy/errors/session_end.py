"""Reasons for the end of an open session."""

from __future__ import annotations

from .root import VNCProxyError


class SessionEnded(VNCProxyError):
    """Why an open session was closed."""

    public = "The console was closed."
    close_code = 1000
    code = "closed"


class ClientGone(SessionEnded):
    """The user closed the page or the viewer."""

    code = "client-gone"


class ConsoleEnded(SessionEnded):
    """The hypervisor closed the console: the machine was stopped, restarted or moved."""

    public = "The virtual machine closed its console: it was stopped, restarted or moved."
    close_code = 4103
    code = "console-ended"


class ConsoleMoved(ConsoleEnded):
    """The console ended because the machine was moved to another host."""

    public = "The virtual machine moved to another host. Reconnect to go on."
    code = "console-moved"


class ConsoleTaken(ConsoleEnded):
    """The console ended because its server gives it to another viewer.

    Either a later viewer replaced this one, or an earlier one is the only one admitted.
    """

    public = "Another viewer has this console, which is shown to one at a time."
    close_code = 4104
    code = "console-taken"


class ConnectionLost(SessionEnded):
    """A side stopped answering."""

    public = "The connection to the console was lost."
    close_code = 4103
    code = "connection-lost"


class RecordingStopped(SessionEnded):
    """The session could not be recorded any more, and must not go on without that."""

    public = "The console was closed because it could not be recorded any more."
    close_code = 4102
    code = "recording-stopped"


class EndedByAdministrator(SessionEnded):
    """An administrator ended the session, or revoked its token."""

    public = "An administrator ended this console."
    close_code = 4010
    code = "ended-by-administrator"


class TimeLimit(SessionEnded):
    """The session reached the longest duration its policy allows."""

    public = "The time allowed for this console is over."
    status = 403
    close_code = 4011
    code = "time-limit"


class OutsideHours(SessionEnded):
    """The session may be open at other hours only."""

    public = "This console may not be open now."
    status = 403
    close_code = 4121
    code = "outside-hours"


class IdleLimit(SessionEnded):
    """No byte was transferred for as long as the policy allows."""

    public = "The console was closed because it was idle."
    close_code = 4112
    code = "idle-limit"


class Superseded(SessionEnded):
    """The same browser opened the console again; each resume cookie has one session, the newest."""

    public = "This console was opened again in another tab or window."
    status = 409
    close_code = 4114
    code = "superseded"


class JoinedSessionEnded(SessionEnded):
    """The session that this one had joined, as a guest or as an administrator, has ended."""

    public = "The session that this link belongs to has ended."
    close_code = 4018
    code = "joined-session-ended"


class TakenOver(SessionEnded):
    """Another user's session has taken the machine, as its policy allows.

    Args:
        by: that user, as far as it is known.
    """

    public = "Another user has taken this console over."
    status = 409
    close_code = 4119
    code = "taken-over"

    def __init__(self, detail: str = "", *, by: str = "", public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.by = by


class MayTakeBack(TakenOver):
    """The same of a session whose own policy allows its user to take the machine back."""

    close_code = 4128
    code = "taken-over-for-now"


class UserElsewhere(SessionEnded):
    """The user has opened another console, and may have one at a time."""

    public = "You have opened another console, and may have one open at a time."
    status = 409
    close_code = 4129
    code = "user-elsewhere"


class ProxyStopping(SessionEnded):
    """The proxy is shutting down."""

    public = "The console service is restarting. Reconnect in a moment."
    status = 503
    close_code = 4113
    code = "proxy-stopping"
    elsewhere = True


class ProxyDraining(SessionEnded):
    """The proxy is being emptied; the browser enters the console again through another one."""

    public = "The console moves to another server of the console service. Reconnect to go on."
    status = 503
    close_code = 4116
    code = "proxy-draining"
    elsewhere = True


class ModeChanged(ProxyDraining):
    """What its user may do has changed; the browser enters the console again with that."""

    public = "What you may do in this console has changed. Reconnect to go on."
    code = "mode-changed"
    elsewhere = False
