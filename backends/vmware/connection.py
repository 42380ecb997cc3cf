"""One login at a vSphere API that threads share: made when first needed, and again when it ended.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from pyVmomi import vim, vmodl

from ...errors import BackendError, VNCProxyError
from ..tls_context import context, distrust
from .errors import UNANSWERED, explain, unanswered
from .settings import VMwareSettings
from .soap import Stub, TimeLeft, newest_version

T = TypeVar("T")

_LOST = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
"""Errors of a request on an idle connection that the server has closed."""

_REMEDIES = 2
_AFTER_REFUSAL = 60.0
"""Seconds without another login once one was refused: each counts towards a lock-out."""


@dataclass(frozen=True, slots=True)
class VSphere:
    """A login at the API, as questions get it.

    Attributes:
        content: the API's ``ServiceContent``.
        stub: makes references to managed objects usable.
        settings: of the backend.
    """

    content: Any = field(repr=False)
    stub: Stub = field(repr=False)
    settings: VMwareSettings

    @property
    def is_single_host(self) -> bool:
        """Whether this is an ESXi host of its own, and no vCenter."""
        return bool(self.content.about.apiType == "HostAgent")


class Session:
    """A vCenter or ESXi host, called with a question.

    Args:
        seconds: the longest time for one question in its thread.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: VMwareSettings,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._seconds = seconds
        self._clock = clock
        self._time_left = TimeLeft()
        self._lock = Lock()
        self._login: VSphere | None = None
        self._refused_until = float("-inf")

    def __str__(self) -> str:
        return f"vSphere at {self._settings}"

    def __call__(self, question: Callable[..., T], *args: Any) -> T:
        """Return ``question(VSphere, *args)``, asked again when login or connection had ended.

        Raises:
            BackendError: vSphere cannot be reached, or refuses; with what can be done about it.
        """
        with self._time_left.within(self._seconds), self._in_our_words():
            return self._ask(question, args)

    def close(self) -> None:
        """Log out, if logged in."""
        login, self._login = self._login, None
        if login is None:
            return
        with self._time_left.within(self._seconds), suppress(vmodl.MethodFault, *UNANSWERED):
            login.content.sessionManager.Logout()
        login.stub.DropConnections()

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        settings = self._settings
        try:
            yield
        except BackendError as e:
            raise type(e)(f"{self}: {e.detail}", public=e.sentence()) from e
        except vmodl.MethodFault as e:
            error = explain(e, settings.username)
            raise BackendError(f"{self}: {error.detail}", public=error.sentence()) from e
        except ssl.SSLCertVerificationError as e:
            why = distrust(e, settings.host, settings.port, self._seconds / 4)
            raise BackendError(f"{self}: {why}") from e
        except UNANSWERED as e:
            raise BackendError(f"{self}: {unanswered(e)}") from e
        except VNCProxyError:
            raise
        except Exception as e:
            # pyvmomi has no error of its own for what it cannot read
            why = f"its answer cannot be understood: {type(e).__name__}"
            raise BackendError(f"{self}: {why}") from e

    def _ask(self, question: Callable[..., T], args: tuple[Any, ...]) -> T:
        for _ in range(_REMEDIES):
            login = self._logged_in()
            try:
                return question(login, *args)
            except vim.fault.NotAuthenticated:
                self._forget(login)
            except _LOST:
                login.stub.DropConnections()
        return question(self._logged_in(), *args)

    def _forget(self, login: VSphere) -> None:
        if self._login is login:
            self._login = None

    def _logged_in(self) -> VSphere:
        with self._locked():
            if self._login is None:
                self._login = self._log_in()
            return self._login

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Wait for the thread that is logging in, if any."""
        if not self._lock.acquire(timeout=self._time_left.seconds()):
            raise BackendError("another thread is still logging in")
        try:
            yield
        finally:
            self._lock.release()

    def _log_in(self) -> VSphere:
        settings = self._settings
        if self._clock() < self._refused_until:
            raise self._refused()
        tls = context(settings.trust())
        version = newest_version(settings.host, settings.port, tls, self._time_left)
        stub = Stub(settings.host, settings.port, version, tls, self._time_left)
        content: Any = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
        try:
            content.sessionManager.Login(
                settings.username, settings.password.get_secret_value(), None
            )
        except vim.fault.InvalidLogin as e:
            self._refused_until = self._clock() + _AFTER_REFUSAL
            raise self._refused() from e
        return VSphere(content, stub, settings)

    def _refused(self) -> BackendError:
        return BackendError(
            f"the login of {self._settings.username} is refused; correct username or password "
            f"(not tried again for {_AFTER_REFUSAL:g} s, so that the account is not locked)"
        )
