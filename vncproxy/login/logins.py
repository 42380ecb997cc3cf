"""Logins by the secrets in browsers' cookies."""

from __future__ import annotations

from collections.abc import Callable

from ..interfaces import ILoginStore
from ..model import UnixTime, is_secret, new_secret, secret_id
from .login import Login, decode, encode


class Logins:
    """The users that are logged in.

    Args:
        store: where logins are kept.
        time: the wall clock.
    """

    def __init__(self, store: ILoginStore, time: Callable[[], UnixTime]) -> None:
        self._store = store
        self._time = time

    async def begin(self, login: Login, before: str = "") -> str:
        """Keep a login until its end; returns the secret for the browser's cookie.

        Args:
            before: the secret that the browser's cookie had, whose login ends.

        Raises:
            StoreUnavailable: it is not kept.
        """
        await self.end(before)
        secret = new_secret()
        ttl = login.ends_at - self._time()
        await self._store.add(secret_id(secret), login.user, encode(login), ttl)
        return secret

    async def find(self, secret: str) -> Login | None:
        """Return the login of a cookie; None where it has ended, or never was.

        Raises:
            StoreUnavailable: it is not known.
        """
        if not is_secret(secret):
            return None
        record = await self._store.find(secret_id(secret))
        login = None if record is None else decode(record)
        return login if login is not None and self._time() < login.ends_at else None

    async def end(self, secret: str) -> bool:
        """End the login of a cookie; False where there was none.

        Raises:
            StoreUnavailable: it has not ended.
        """
        return is_secret(secret) and await self._store.remove(secret_id(secret))

    async def first(self, name: str, ttl: float) -> bool:
        """Tell whether a name is given for the first time, within some seconds.

        Raises:
            StoreUnavailable: it is not known.
        """
        first: bool = await self._store.first(name, ttl)
        return first
