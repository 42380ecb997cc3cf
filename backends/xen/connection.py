"""A pool of XenServer or XCP-ng hosts that threads ask, over one login that they share.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Concatenate, Final, ParamSpec, TypeVar
from xmlrpc.client import Fault

from XenAPI import Failure

from ...errors import BackendError
from .errors import explain, is_of_the_host
from .login import FAILURES, AccountRefused, Login, log_in
from .settings import XenSettings

T = TypeVar("T")
P = ParamSpec("P")

Question = Callable[Concatenate[Login, P], T]

RENEWED_LATELY: Final = 5.0
"""Seconds for which a new session is not replaced."""

AFTER_REFUSAL: Final = 60.0
"""Seconds without a further login once the account was refused: each counts towards a lock-out."""

_NO_SESSION: Final = 401
"""The fault by which the library says that a session is not valid."""


class Pool:
    """One pool, called with a question; logs in for the first, and again when the login is lost.

    Args:
        timeout: seconds for one question, logging in included.
    """

    def __init__(self, settings: XenSettings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._members = settings.url
        self._lock = Lock()
        self._login: Login | None = None
        self._closed = False
        self._refusal = ""
        self._refused_until = 0.0

    def __str__(self) -> str:
        return f"the pool at {', '.join(self._settings.url)}"

    def __call__(self, question: Question[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return ``question(login, *args)``, asked once more when the login was lost.

        Raises:
            BackendError: the pool cannot be reached, or refuses; with what can be done about it.
        """
        until = time.monotonic() + self._timeout
        login = self._logged_in(until)
        try:
            return _ask(login, question, *args, **kwargs)
        except FAILURES as e:
            if not _is_lost(e):
                raise self._failed(login, e) from e
            self._forget(login)
        login = self._logged_in(until)
        try:
            return _ask(login, question, *args, **kwargs)
        except FAILURES as e:
            raise self._failed(login, e) from e

    def renew(self, older_than: float = RENEWED_LATELY) -> None:
        """Replace a session that a host does not know.

        Args:
            older_than: seconds; a younger session was made by another thread for the same reason.
        """
        login = self._login
        if login is not None and time.monotonic() - login.since > older_than:
            self._forget(login)
            login.log_out(time.monotonic() + self._timeout)

    def close(self) -> None:
        """Log out."""
        with self._locked(time.monotonic() + self._timeout):
            self._closed = True
            login, self._login = self._login, None
        if login is not None:
            login.log_out(time.monotonic() + self._timeout)

    def _logged_in(self, until: float) -> Login:
        with self._locked(until):
            if self._closed:
                raise BackendError(f"{self}: closed")
            if self._login is None:
                self._login = self._new_login(until)
                self._login_worked(self._login)
            login = self._login
        login.transport.until = until
        return login

    def _new_login(self, until: float) -> Login:
        if self._refusal and time.monotonic() < self._refused_until:
            raise BackendError(self._refusal)
        try:
            return log_in(self._settings, self._members, until)
        except AccountRefused as e:
            self._refusal = f"{e.detail} (not tried again for {AFTER_REFUSAL:g} s)"
            self._refused_until = time.monotonic() + AFTER_REFUSAL
            raise

    def _login_worked(self, login: Login) -> None:
        """Ask the master first from now on, if it is one of the configured members."""
        self._members = tuple(sorted(self._settings.url, key=lambda url: url != login.url))

    def _forget(self, login: Login) -> None:
        if self._login is login:
            self._login = None

    @contextmanager
    def _locked(self, until: float) -> Iterator[None]:
        """Wait for the thread that is logging in, if any, until the time is over."""
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise BackendError(f"{self}: still logging in")
        try:
            yield
        finally:
            self._lock.release()

    def _failed(self, login: Login, error: BaseException) -> BackendError:
        if isinstance(error, TimeoutError) or _is_lost(error):
            self._forget(login)
        return BackendError(f"{login.url}: {explain(error, self._settings, login.url)}")


def _ask(login: Login, question: Question[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return question(login, *args, **kwargs)
    finally:
        login.disconnect()


def _is_lost(error: BaseException) -> bool:
    """Return whether another login may help: session, connection or the role of master is lost."""
    match error:
        case Failure():
            return is_of_the_host(str(error.details[0]))
        case Fault():
            return bool(error.faultCode == _NO_SESSION)
        case _:
            return isinstance(error, OSError) and not isinstance(error, TimeoutError)
