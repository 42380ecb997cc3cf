"""From a machine's address to its console: ask the backend where it is, connect, shake hands.

A console that moved in between is asked for once more, where its backend can tell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004

from ..errors import BackendError, UpstreamViolation, VMNotFound, VNCProxyError
from ..interfaces import IConsoleBackend
from ..model import ConsoleElsewhere, ConsoleEndpoint, Timeouts, VMAddress
from ..upstream import Console, is_vnc_server, open_console, try_login
from .recovery import recovery_of

T = TypeVar("T")

HOST_TIME_LIMIT = 2.0
"""Seconds that a backend may take to say on which host a machine is whose console has closed; the
user waits for it."""

LOGIN_TIME_LIMIT = 1.0
"""Seconds that the same console's server may take to admit a login, while the user waits."""


class Consoles:
    """The consoles of all configured backends.

    Args:
        reactor: for time limits and connections.
    """

    __slots__ = ("_backends", "_reactor", "_timeouts")

    def __init__(
        self, backends: Mapping[str, IConsoleBackend], timeouts: Timeouts, reactor: Any
    ) -> None:
        self._backends = backends
        self._timeouts = timeouts
        self._reactor = reactor

    async def open(
        self,
        vm: VMAddress,
        endpoint: ConsoleEndpoint | None = None,
        dialling: Callable[[str], object] = str,
    ) -> tuple[Console, str]:
        """Reach a machine's console; returns it with the name that the backend calls it by.

        Args:
            endpoint: where it is, when no backend needs to be asked.
            dialling: called with each host before it is dialled; empty is this machine.

        Raises:
            ConsoleError: there is no such machine, or it shows no screen now.
            HypervisorError: its console could not be found, or not reached.
        """
        if endpoint is not None:
            return await self._reach(endpoint, dialling), endpoint.name
        vm, endpoint = await self._locate(vm)
        try:
            return await self._reach(endpoint, dialling), endpoint.name
        except UpstreamViolation as e:
            recovery = recovery_of(self._backends[vm.backend])
            if recovery is None:
                raise
            endpoint = await self._in_time(vm, recovery.relocate(vm.vm, e))
        try:
            return await self._reach(endpoint, dialling), endpoint.name
        except UpstreamViolation as e:
            explained = recovery.explain(e)
            if explained is e:
                raise
            raise explained from e

    async def moved(self, vm: VMAddress, host: str) -> bool:
        """Tell whether a machine whose console has ended runs on another host than it did.

        False where that cannot be told soon: a user waits for the answer.
        """
        recovery = recovery_of(self._backends.get(vm.backend)) if host else None
        if recovery is None:
            return False
        try:
            now = await self._in_time(vm, recovery.current_host(vm.vm), HOST_TIME_LIMIT)
        except VNCProxyError:
            return False
        return bool(now) and now != host

    async def taken(self, vm: VMAddress, endpoint: ConsoleEndpoint | None = None) -> bool:
        """Tell whether a VNC server that has ended a console admits viewers as before.

        Then its machine was neither stopped nor restarted, and another viewer was let in alone.
        The server is logged in to and not asked for the screen, which would throw that one out.
        False where it cannot be told soon: a user waits for the answer.

        Args:
            endpoint: where it is, when no backend needs to be asked.
        """
        try:
            return await self._in_time(vm, self._admits(vm, endpoint), LOGIN_TIME_LIMIT)
        except VNCProxyError:
            return False

    async def _admits(self, vm: VMAddress, endpoint: ConsoleEndpoint | None) -> bool:
        found = endpoint or (await self._locate(vm))[1]
        if is_vnc_server(found):
            await try_login(found, self._timeouts, self._reactor)
        return is_vnc_server(found)

    async def _reach(self, endpoint: ConsoleEndpoint, dialling: Callable[[str], object]) -> Console:
        dialling(endpoint.host)
        return await open_console(endpoint, self._timeouts, self._reactor)

    async def _locate(self, vm: VMAddress) -> tuple[VMAddress, ConsoleEndpoint]:
        """Ask the machine's backend, and at most one more that it points to."""
        found = await self._ask(vm)
        if isinstance(found, ConsoleElsewhere):
            if found.vm.backend not in self._backends:
                raise BackendError(f"{vm} is {found.vm}, and no such backend is configured")
            vm, found = found.vm, await self._ask(found.vm)
        if isinstance(found, ConsoleElsewhere):
            raise BackendError(f"{vm} was pointed to, and points on to {found.vm}")
        return vm, found

    async def _ask(self, vm: VMAddress) -> ConsoleEndpoint | ConsoleElsewhere:
        backend = self._backends.get(vm.backend)
        if backend is None:
            raise VMNotFound(f"no backend {vm.backend!r} is configured")
        return await self._in_time(vm, backend.locate(vm.vm))

    async def _in_time(self, vm: VMAddress, answer: Awaitable[T], most: float = inf) -> T:
        timeout = min(most, self._timeouts.locate)
        waiting = Deferred.fromCoroutine(_awaited(answer))
        try:
            return await waiting.addTimeout(timeout, self._reactor)
        except TimeoutError as e:
            raise BackendError(
                f"backend {vm.backend!r} did not answer within {timeout} s, timeouts.locate"
            ) from e


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
