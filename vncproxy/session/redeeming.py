"""Redeeming the token of a session, and what is checked before a use of it is taken."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ConsoleOccupied, TokenRefused, TokenUsed, VNCProxyError
from ..model import Grant, Token, check_secret, secret_id
from .conditions import check_confirmed, check_policy, explain_used
from .live import LiveSessions
from .logged_in import login_needed
from .sharing import told_occupied
from .state import SessionState


class Redeeming:
    """The redemption of one token; it is dropped once there is a grant."""

    __slots__ = ("_live", "_rule", "_services", "_session", "_user")

    def __init__(self, session: SessionState, live: LiveSessions) -> None:
        self._session = session
        self._live = live
        self._services = live.services
        rule = self._services.login
        self._rule = rule if rule is not None and rule.applies_to(session.user_request) else None
        self._user: str | None = None

    async def redeem(self) -> Grant:
        """Take a use of the token, or enter again by a cookie.

        Raises:
            VNCProxyError: the user may not open a console by it, or not now.
        """
        request = self._session.user_request
        secret = check_secret(request.token)
        if self._rule is not None:
            self._user = await self._rule.find_user(request)
        try:
            return await self._redeem_handed_over(secret) or await self._take(
                secret, request.resume
            )
        except TokenRefused as e:
            raise self._explained(e) from e

    def _explained(self, error: TokenRefused) -> VNCProxyError:
        """Return what the user is told; a stranger does not learn whether a link is good."""
        request = self._session.user_request
        if self._rule is not None and self._user is None:
            return login_needed(request, error.detail)
        return explain_used(error, request) if isinstance(error, TokenUsed) else error

    async def _take(self, secret: str, resume: str | None) -> Grant:
        store, lease = self._services.store, self._live.lease(self._session)
        try:
            grant: Grant = await store.redeem(secret, resume, self._check_before_use, lease)
        except ConsoleOccupied as e:
            now, show = self._services.time(), self._services.show_users
            raise told_occupied(e, now, show_users=show) from e
        return grant

    async def _redeem_handed_over(self, secret: str) -> Grant | None:
        """Re-enter by the secret that stands in the link, and put a cookie in its place.

        None where there is none, or it is not good any more: a cookie has taken its place.
        """
        request = self._session.user_request
        if not request.reenter:
            return None
        try:
            grant = await self._take(secret, request.reenter)
        except TokenRefused:
            return None
        if not grant.resumed:
            return grant
        try:
            secret = await self._services.store.renew(grant)
        except BaseException:
            self._services.store.leave(self._live.lease(self._session), grant.token)
            raise
        return replace(grant, resume_secret=secret, cookie_id=secret_id(secret))

    def _check_before_use(self, token: Token | None, *, enters_again: bool = False) -> None:
        """Raise, before a use is taken or another session ends, what must cost neither."""
        session, services = self._session, self._services
        try:
            if token is not None and self._rule is not None:
                self._rule.check(self._user, token, session.user_request)
            if token is not None:
                check_policy(token.policy, session.user_request, services.time())
        except VNCProxyError:
            assert token is not None
            session.vm, session.user = token.vm, token.user
            if not token.signer:
                session.token_id = secret_id(session.user_request.token)
            raise
        if not enters_again:
            check_confirmed(token, session.user_request, services.confirm)
