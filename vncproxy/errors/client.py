"""Errors of the user's side."""

from __future__ import annotations

from typing import Self

from .root import VNCProxyError


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
