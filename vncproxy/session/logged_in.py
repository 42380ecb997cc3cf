"""Links that are of use only to users that are logged in, checked before a use is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..errors import LoginOfAnother, LoginRequired, ViewerCannotLogIn
from ..model import ConsoleType, Token
from ..model.joining import JoinKind
from .user_request import UserRequest


@dataclass(frozen=True, slots=True)
class LoginRule:
    """Which links demand a login, and whose.

    Attributes:
        user_of: returns the user that is logged in by the secret of a cookie; None for none.
        bound: whether it has to be the user that the link was issued to.
        viewers: whether viewers that are no browsers need no login.
    """

    user_of: Callable[[str], Awaitable[str | None]]
    bound: bool = True
    viewers: bool = False

    def applies_to(self, request: UserRequest) -> bool:
        """Tell whether a request needs a login, unless its token is that of another zone."""
        is_viewer = request.type is not ConsoleType.NOVNC
        return not request.types and not (is_viewer and self.viewers)

    async def find_user(self, request: UserRequest) -> str | None:
        """Return the user that sends a request; None for a stranger.

        Raises:
            StoreUnavailable: it is not known.
        """
        return await self.user_of(request.login) if request.login else None

    def check(self, user: str | None, token: Token, request: UserRequest) -> None:
        """Refuse a user that a link is of no use to.

        A user of another zone has logged in there, if that demands it. A guest is named by the user
        that invites, so any login will do.

        Raises:
            LoginRequired: no user is logged in.
            LoginOfAnother: another one is.
        """
        if token.visit is not None:
            return
        if user is None:
            raise login_needed(request).about(token.vm, token.user)
        is_guest = token.joins is not None and token.joins.kind is JoinKind.GUEST
        if self.bound and not is_guest and token.user != user:
            raise LoginOfAnother(f"the user {user!r} is logged in").about(token.vm, token.user)


def login_needed(request: UserRequest, detail: str = "") -> LoginRequired:
    """Return the refusal of a stranger, in words for the viewer.

    Args:
        detail: for the log: what is wrong beside.
    """
    kind = LoginRequired if request.type is ConsoleType.NOVNC else ViewerCannotLogIn
    return kind(detail or "no user is logged in")
