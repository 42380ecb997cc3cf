"""A connection to libvirt that threads share: opened when first needed, and again when lost.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock, Thread
from typing import Any, TypeVar

import libvirt

from ...errors import BackendError
from .errors import LOST, WIPED, explain

T = TypeVar("T")

VirConnect = Any
"""A ``libvirt.virConnect``; the binding has no types."""

_KEEPALIVE = (5, 3)
"""Seconds between probes of an idle connection, and how many may stay unanswered."""

_preparing = Lock()


class Connection:
    """A shared connection to one libvirt, called with a question.

    Args:
        uri: libvirt's URI of the hypervisor.
        timeout: seconds to wait while another thread is connecting.
        open_: opens a connection.
    """

    def __init__(
        self, uri: str, timeout: float, open_: Callable[[str], VirConnect] = libvirt.open
    ) -> None:
        self._uri = uri
        self._timeout = timeout
        self._open = open_
        self._lock = Lock()
        self._opening_since = 0.0
        self._connection: VirConnect | None = None

    def __str__(self) -> str:
        return f"libvirt at {self._uri}"

    def __call__(self, question: Callable[..., T], *args: Any) -> T:
        """Return ``question(virConnect, *args)``, asked once more when the connection was lost.

        Raises:
            BackendError: libvirt cannot be reached, or refuses; with what can be done about it.
        """
        try:
            return self._ask(question, args)
        except libvirt.libvirtError as e:
            raise BackendError(f"{self}: {explain(e)}") from e

    def close(self) -> None:
        """Drop the connection; libvirt closes it when the last question has ended."""
        self._connection = None

    def _ask(self, question: Callable[..., T], args: tuple[Any, ...]) -> T:
        connection = self._connected()
        try:
            return question(connection, *args)
        except libvirt.libvirtError as e:
            if e.get_error_code() not in LOST and _is_alive(connection):
                raise
            self._forget(connection)
        return question(self._connected(), *args)

    def _connected(self) -> VirConnect:
        with self._locked():
            if self._connection is None or not _is_alive(self._connection):
                self._connection = self._opened()
            return self._connection

    def _forget(self, connection: VirConnect) -> None:
        # never virConnect.close(): other threads may still be asking on this connection
        if self._connection is connection:
            self._connection = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Wait for the thread that is connecting, if any, but no longer than the timeout."""
        waited = time.monotonic() - self._opening_since if self._opening_since else 0.0
        if not self._lock.acquire(timeout=max(0.0, self._timeout - waited)):
            raise BackendError(f"{self}: still connecting")
        try:
            yield
        finally:
            self._lock.release()

    def _opened(self) -> VirConnect:
        _prepare()
        self._opening_since = time.monotonic()
        try:
            connection = self._open(self._uri)
        finally:
            self._opening_since = 0.0
        try:
            connection.setKeepAlive(*_KEEPALIVE)
        except libvirt.libvirtError as e:
            if e.get_error_code() not in (libvirt.VIR_ERR_NO_SUPPORT, WIPED):
                raise
        return connection


def _is_alive(connection: VirConnect) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def _prepare() -> None:
    """Start libvirt's event loop, once per process and never before a daemon has forked."""
    with _preparing:
        _start_event_loop()


@cache
def _start_event_loop() -> None:
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    # without an event loop a dead peer is noticed only when TCP gives up, after minutes
    libvirt.virEventRegisterDefaultImpl()
    Thread(target=_run_events, name="libvirt events", daemon=True).start()


def _run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
