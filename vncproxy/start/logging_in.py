"""A browser that is sent to the provider, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..errors import LoginFailed
from ..login.attempt import Attempt
from ..login.limits import ATTEMPT_TIME
from ..login.login import Login
from ..login.logins import Logins
from ..login.provider import Provider

Note = Callable[[str, Mapping[str, object]], object]
"""Writes an audit line: the event, and its members."""

_SHORT: Final = 12


class LoggingIn:
    """Logs users in and out.

    Args:
        provider: None where no login is configured.
        logins: those that there are.
        note: writes an audit line.
    """

    def __init__(self, provider: Provider | None, logins: Logins, note: Note) -> None:
        self._provider = provider
        self._logins = logins
        self._note = note

    async def begin(self) -> tuple[str, str]:
        """Return where a browser logs in, and the secret of the attempt for its cookie.

        Raises:
            LoginFailed: no login is configured, or the provider does not answer.
        """
        attempt = Attempt.new()
        return await self._configured().address(attempt), attempt.secret

    async def finish(self, attempt_secret: str, query: str) -> Login:
        """Return who has logged in.

        Args:
            attempt_secret: of the browser's cookie.
            query: of the address that the provider has sent the browser back to.

        Raises:
            LoginFailed: no user has logged in.
            StoreUnavailable: it is not known whether it is the first time.
        """
        provider, attempt = self._configured(), Attempt.of_cookie(attempt_secret)
        if attempt is None:
            raise LoginFailed("the browser has no cookie of a login", word="other-browser")
        answer = provider.code_in(attempt, query)
        if not await self._logins.first(attempt.id, 2 * ATTEMPT_TIME):
            raise LoginFailed("this login has come to its end before", word="used")
        return await provider.login(attempt, answer)

    async def enter(self, login: Login, before: str, client: str) -> str:
        """Log a user in; returns the secret for the browser's cookie.

        Args:
            before: the secret that the cookie had.

        Raises:
            StoreUnavailable: the user is not logged in.
        """
        secret = await self._logins.begin(login, before)
        self._note("login", {**_about(login), "client": client, "groups": len(login.groups)})
        return secret

    async def leave(self, secret: str, client: str) -> None:
        """Log a user out.

        Raises:
            StoreUnavailable: the user is still logged in.
        """
        login = await self._logins.find(secret)
        if await self._logins.end(secret) and login is not None:
            self._note("logout", {**_about(login), "client": client})

    def _configured(self) -> Provider:
        if self._provider is None:
            raise LoginFailed("no login is configured", word="provider")
        return self._provider


def _about(login: Login) -> dict[str, object]:
    return {
        "user": login.user,
        "issuer": login.issuer or None,
        "key_id": login.key[:_SHORT] or None,
    }
