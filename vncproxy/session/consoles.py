"""From a machine's address to its console: asks the backend for it, connects, shakes hands.

A console that has moved meanwhile is located once more, where its backend supports that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004

from ..errors import (
    BackendError,
    ProxyDraining,
    ProxyStopping,
    UpstreamUnreachable,
    UpstreamViolation,
    VMNotFound,
    VNCProxyError,
    ZoneDraining,
    ZoneUnreachable,
)
from ..interfaces import IConsoleBackend, IConsoleRecovery, IConsolesElsewhere
from ..model import ConsoleElsewhere, ConsoleEndpoint, Journey, Timeouts, VMAddress
from ..upstream import Console, is_vnc_server, open_console, try_login
from .recovery import recovery_of
from .steps import OnStep, Steps

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
        on_step: is called after each step of `open`.
    """

    __slots__ = ("_backends", "_on_step", "_reactor", "_timeouts")

    def __init__(
        self,
        backends: Mapping[str, IConsoleBackend],
        timeouts: Timeouts,
        reactor: Any,
        on_step: OnStep = lambda backend, step, seconds, failed: None,
    ) -> None:
        self._backends = backends
        self._timeouts = timeouts
        self._reactor = reactor
        self._on_step = on_step

    async def open(
        self,
        vm: VMAddress,
        endpoint: ConsoleEndpoint | None = None,
        on_dial: Callable[[str], object] = str,
        journey: Callable[[str], Journey] | None = None,
        *,
        shared: bool = True,
        on_begin: Callable[[str], object] = str,
    ) -> tuple[Console, str]:
        """Open a machine's console; returns it with the name that the backend gives the machine.

        Args:
            endpoint: where it is, when no backend needs to be asked.
            on_dial: called with each host before it is dialled; empty is this machine.
            journey: returns what another zone, by its name, is told of the session.
            shared: whether the console's server is to leave its other viewers connected.
            on_begin: called with the name of each step as it begins.

        Raises:
            ConsoleError: there is no such machine, or it shows no screen now.
            HypervisorError: its console could not be found, or not reached.
        """
        if endpoint is not None:
            return await self._reach(vm, endpoint, on_dial, on_begin, shared=shared), endpoint.name
        with self._steps(vm, "locate", on_begin):
            vm, endpoint = await self._locate(vm, journey)
        try:
            return await self._reach(vm, endpoint, on_dial, on_begin, shared=shared), endpoint.name
        except UpstreamViolation as e:
            recovery = recovery_of(self._backends[vm.backend])
            if recovery is None:
                raise
            with self._steps(vm, "locate", on_begin):
                again = self._locate_again(vm, recovery, e, journey)
                endpoint = await self._within_limit(vm, again)
        try:
            return await self._reach(vm, endpoint, on_dial, on_begin, shared=shared), endpoint.name
        except UpstreamViolation as e:
            explained = recovery.explain(e)
            if explained is e:
                raise
            raise explained from e

    async def has_moved(self, vm: VMAddress, host: str) -> bool:
        """Return whether a machine whose console has closed runs on another host than before.

        False where the backend gives no answer within `HOST_TIME_LIMIT`.

        Args:
            host: where the console was; empty where that is not known.
        """
        recovery = recovery_of(self._backends.get(vm.backend)) if host else None
        if recovery is None:
            return False
        try:
            current = await self._within_limit(vm, recovery.current_host(vm.vm), HOST_TIME_LIMIT)
        except VNCProxyError:
            return False
        return bool(current) and current != host

    async def still_admits(self, vm: VMAddress, endpoint: ConsoleEndpoint | None = None) -> bool:
        """Return whether a VNC server that has closed a console still admits viewers.

        If so, the machine was neither stopped nor restarted, and the server has closed the console
        in favour of another viewer. This logs in and does not ask for the screen, which would
        close that viewer's console. False without an answer within `LOGIN_TIME_LIMIT`.

        Args:
            endpoint: where it is, when no backend needs to be asked.
        """
        try:
            return await self._within_limit(vm, self._admits(vm, endpoint), LOGIN_TIME_LIMIT)
        except VNCProxyError:
            return False

    async def _admits(self, vm: VMAddress, endpoint: ConsoleEndpoint | None) -> bool:
        found = endpoint or (await self._locate(vm))[1]
        if is_vnc_server(found):
            await try_login(found, self._timeouts, self._reactor)
        return is_vnc_server(found)

    async def _reach(
        self,
        vm: VMAddress,
        endpoint: ConsoleEndpoint,
        on_dial: Callable[[str], object],
        on_begin: Callable[[str], object],
        *,
        shared: bool,
    ) -> Console:
        on_dial(endpoint.host)
        with self._steps(vm, "connect", on_begin) as steps:
            try:
                return await open_console(
                    endpoint,
                    self._timeouts,
                    self._reactor,
                    lambda: steps.begin("handshake"),
                    shared=shared,
                )
            except UpstreamUnreachable as e:
                if IConsolesElsewhere.providedBy(self._backends.get(vm.backend)):
                    raise ZoneUnreachable(e.detail, zone=vm.backend) from e
                raise

    def _steps(self, vm: VMAddress, name: str, on_begin: Callable[[str], object]) -> Steps:
        return Steps(self._on_step, vm.backend, name, self._reactor.seconds, on_begin)

    async def _locate(
        self, vm: VMAddress, journey: Callable[[str], Journey] | None = None
    ) -> tuple[VMAddress, ConsoleEndpoint]:
        """Ask the machine's backend, and at most one more that it points to."""
        found = await self._ask_backend(vm, journey)
        if isinstance(found, ConsoleElsewhere):
            if found.vm.backend not in self._backends:
                raise BackendError(f"{vm} is {found.vm}, and no such backend is configured")
            vm, found = found.vm, await self._ask_backend(found.vm, journey)
        if isinstance(found, ConsoleElsewhere):
            raise BackendError(f"{vm} was pointed to, and points on to {found.vm}")
        return vm, found

    async def _locate_again(
        self,
        vm: VMAddress,
        recovery: IConsoleRecovery,
        refusal: UpstreamViolation,
        journey: Callable[[str], Journey] | None,
    ) -> ConsoleEndpoint:
        """Ask where a refused console is now; another zone for another token, if it is in use.

        A proxy of the zone that is being emptied has another one beside it.
        """
        backend = self._backends[vm.backend]
        if journey is not None and IConsolesElsewhere.providedBy(backend):
            why = recovery.explain(refusal)
            if isinstance(why, ZoneDraining | ProxyDraining | ProxyStopping):
                elsewhere = IConsolesElsewhere(backend)
                return await _awaited(elsewhere.request_console(vm.vm, journey(vm.backend)))
        return await _awaited(recovery.relocate(vm.vm, refusal))

    async def _ask_backend(
        self, vm: VMAddress, journey: Callable[[str], Journey] | None = None
    ) -> ConsoleEndpoint | ConsoleElsewhere:
        backend = self._backends.get(vm.backend)
        if backend is None:
            raise VMNotFound(
                f"no backend and no zone {vm.backend!r} is configured",
                public=f"There is no backend and no zone {vm.backend} here any more.",
            )
        if journey is not None and IConsolesElsewhere.providedBy(backend):
            elsewhere = IConsolesElsewhere(backend)
            asked = elsewhere.request_console(vm.vm, journey(vm.backend))
            return await self._within_limit(vm, asked)
        return await self._within_limit(vm, backend.locate(vm.vm))

    async def _within_limit(self, vm: VMAddress, answer: Awaitable[T], most: float = inf) -> T:
        timeout = min(most, self._timeouts.locate)
        waiting = Deferred.fromCoroutine(_awaited(answer))
        try:
            if not waiting.called:
                waiting.addTimeout(timeout, self._reactor)
            return await waiting
        except TimeoutError as e:
            raise BackendError(
                f"backend {vm.backend!r} did not answer within {timeout} s, timeouts.locate"
            ) from e


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
