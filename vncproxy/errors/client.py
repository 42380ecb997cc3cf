"""Errors of the user's side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from .root import VNCProxyError


class ClientError(VNCProxyError):
    """The user's side sent a request that cannot be served.

    Attributes:
        vm: the machine of its token, where that is known; for the log.
        user: the user that the token was issued to, likewise.
    """

    vm = ""
    user = ""

    public = "The request was not understood."
    status = 400
    close_code = 4000
    code = "bad-request"

    def about(self, vm: object, user: str) -> Self:
        """Set machine and user of the token; returns the error itself."""
        self.vm, self.user = str(vm), user
        return self


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
    """The token is not valid, or no longer; the sentence does not say why."""

    public = "This console link is not valid any more. Ask for a new one."
    status = 401
    close_code = 4001
    code = "token-refused"


class TokenUnknown(TokenRefused):
    """No such token."""

    code = "token-unknown"


class TokenUsed(TokenRefused):
    """All uses of the token are taken."""

    code = "token-used"


class TokenExpired(TokenRefused):
    """The token has expired."""

    code = "token-expired"


class TokenRevoked(TokenRefused):
    """The token was revoked."""

    code = "token-revoked"


class PolicyUnsupported(ClientError):
    """A restriction of a policy that is not enforced; refused when a token is issued."""

    public = "This policy cannot be enforced here."
    status = 422
    code = "policy-unsupported"


class OverLimit(ClientError):
    """Too many sessions.

    Args:
        option: the limit's name in ``[limits]``; the sentence says what to do about it.
    """

    public = "Too many consoles are open. Close one, or try again in a moment."
    status = 503
    close_code = 4102
    code = "over-limit"

    sentences: ClassVar[Mapping[str, str]] = {
        "sessions_per_vm": "Too many people have this console open. Try again later.",
        "joined_per_vm": "Too many people watch this console. Try again later.",
        "sessions_per_user": "You have too many consoles open. Close one and try again.",
        "sessions_per_address": "Too many consoles are open from your address. Close one and try"
        " again.",
    }

    def __init__(self, detail: str = "", *, option: str = "", public: str | None = None) -> None:
        super().__init__(detail, public=public or self.sentences.get(option))
        self.option = option


class ConsoleOccupied(ClientError):
    """Another session has the machine, and its policy or this one's lets no two be there.

    Args:
        by: the user of that session; empty where it is not known.
        age: seconds since it began; None where that is not known.
        may_take: whether the policy allows to take the machine from the other.
    """

    public = "Somebody else has this console open. Try again when it is closed."
    status = 409
    close_code = 4118
    code = "console-occupied"

    def __init__(
        self,
        detail: str = "",
        *,
        by: str = "",
        age: float | None = None,
        may_take: bool = False,
        public: str | None = None,
    ) -> None:
        super().__init__(detail, public=public)
        self.by, self.age, self.may_take = by, age, may_take


class DownstreamViolation(ClientError):
    """The user's side sent bytes that are not RFB or not WebSocket."""

    public = "The viewer does not speak the RFB protocol."
    close_code = 1002
    code = "downstream-violation"


class ViewerMessageRefused(DownstreamViolation):
    """The viewer sent a message that is malformed, or that would harm the console's server."""

    public = "The viewer sent a message that is not passed on to the virtual machine."
    close_code = 4013
    code = "viewer-message-refused"


class ModeFixed(ClientError):
    """What a user may do cannot change while the session is open: nothing parses its viewer."""

    public = (
        "The messages of this session's viewer are not checked. End it, and issue a link with the "
        "other mode."
    )
    status = 409
    code = "mode-fixed"


class ConfirmationNeeded(VNCProxyError):
    """The user is to confirm before a link is redeemed, since programs open links, too.

    Args:
        name: the machine's; empty where it is not known before the redemption.
    """

    status = 428
    close_code = 4120
    code = "confirmation-needed"

    def __init__(self, name: str = "") -> None:
        what = f"of {name} " if name else ""
        sentence = f"The console {what}opens when you press the button on its page."
        super().__init__("the link asks before it is redeemed", public=sentence)
