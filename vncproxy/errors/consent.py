"""Why a session that waits for consent or approval does not begin, or goes on no longer."""

from __future__ import annotations

from .client import ClientError
from .session_end import SessionEnded


class BannerDeclined(ClientError):
    """The user did not accept the text, or did not wait for approval."""

    public = "You left before the console was opened. Open the link again to go on."
    status = 403
    close_code = 4140
    code = "banner-declined"


class ApprovalDenied(ClientError):
    """An approver has denied the session.

    Args:
        reason: the approver's words for the user.
    """

    public = "The approval for this console was denied."
    status = 403
    close_code = 4031
    code = "approval-denied"

    def __init__(self, detail: str = "", *, reason: str = "") -> None:
        super().__init__(detail, public=f"{self.public[:-1]}: {reason}" if reason else None)


class ConsentTimeout(ClientError):
    """What the session waited for did not come in time."""

    public = "This console was not approved in time. Ask for approval, and open the link again."
    status = 403
    close_code = 4141
    code = "consent-timeout"


class ViewerCannotResize(ClientError):
    """The viewer shows our screen, and cannot change to the size of the machine's."""

    public = "Your viewer cannot change the size of its screen. Use another viewer, or a browser."
    status = 403
    close_code = 4032
    code = "viewer-cannot-resize"


class ViewerHoldsKeys(ClientError):
    """Keys or buttons are held down at the viewer, and would reach the console."""

    public = "Keys were held down all the time. Release them, and open the link again."
    status = 403
    close_code = 4142
    code = "viewer-holds-keys"


class ApprovalWithdrawn(SessionEnded):
    """An approver has withdrawn an approval."""

    public = "The approval for this console was withdrawn."
    close_code = 4033
    code = "approval-withdrawn"
