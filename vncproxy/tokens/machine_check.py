"""Asks a backend whether a machine exists, before a token is issued for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..errors import BackendError, ConsoleUnavailable, VMNotFound
from ..interfaces import IConsoleBackend, IConsolesElsewhere
from ..model import ConsoleElsewhere, ConsoleEndpoint, VMAddress
from .refusals import IssueRefused


class MachineCheck:
    """Finds out whether machines exist.

    Args:
        backends: by name.
        clock: for the time limit.
        time_limit: seconds that a backend may take to locate a machine, as for a session.
    """

    def __init__(
        self, backends: Mapping[str, IConsoleBackend], clock: IReactorTime, time_limit: float
    ) -> None:
        self._backends = backends
        self._clock = clock
        self._time_limit = time_limit

    async def require(
        self,
        vm: VMAddress,
        via: Sequence[str] = (),
        check_zone: Callable[[VMAddress], object] = str,
    ) -> None:
        """Make sure that a machine exists, whether or not it shows a console now.

        Args:
            via: the zones on whose behalf it is asked, the first that asked first.
            check_zone: is called with an address in another zone that a backend points to, before
                that is asked; it may raise a ZoneError.

        Raises:
            IssueRefused: there is none.
            BackendError: the backend fails, or does not answer in time.
            ZoneError: its zone is not asked, or refuses.
        """
        try:
            found = await self._locate(vm, via)
            if isinstance(found, ConsoleElsewhere) and self._is_in_zone(found.vm, vm):
                check_zone(found.vm)
                found = await self._locate(found.vm, via)
            _close(found)
        except ConsoleUnavailable:
            return
        except VMNotFound as e:
            raise no_machine(vm) from e

    async def require_console(self, vm: VMAddress) -> None:
        """Make sure that a machine shows a console now; it raises what `endpoint` raises."""
        _close(await self.endpoint(vm))

    async def endpoint(self, vm: VMAddress) -> ConsoleEndpoint:
        """Return where a machine's console is now; a descriptor in it belongs to the caller.

        Raises:
            VMNotFound: there is no such machine.
            ConsoleUnavailable: it shows no console in its state.
            BackendError: the backend fails, or does not answer in time.
        """
        found = await self._locate(vm)
        if isinstance(found, ConsoleElsewhere):
            found = await self._locate(found.vm)
        if isinstance(found, ConsoleElsewhere):
            raise BackendError(f"{vm} is left to {found.vm}, which another backend has named")
        return found

    def _is_in_zone(self, vm: VMAddress, before: VMAddress) -> bool:
        """Return whether another zone is to be asked, and was not yet."""
        return vm != before and IConsolesElsewhere.providedBy(self._backends.get(vm.backend))

    async def _locate(
        self, vm: VMAddress, via: Sequence[str] = ()
    ) -> ConsoleEndpoint | ConsoleElsewhere:
        backend = self._backends.get(vm.backend)
        if backend is None:
            raise BackendError(f"there is no backend {vm.backend!r}")
        asked = backend

        async def located() -> ConsoleEndpoint | ConsoleElsewhere:
            if via and IConsolesElsewhere.providedBy(asked):
                await IConsolesElsewhere(asked).check_for(vm.vm, via)
                return ConsoleElsewhere(vm)
            found: ConsoleEndpoint | ConsoleElsewhere = await asked.locate(vm.vm)
            return found

        try:
            locating = Deferred.fromCoroutine(located())
            return await locating.addTimeout(self._time_limit, self._clock)
        except TimeoutError as e:
            limit = f"{self._time_limit:g} s, timeouts.locate"
            raise BackendError(f"{vm.backend!r} did not answer within {limit}") from e
        except BackendError as e:
            raise BackendError(f"backend {vm.backend!r}: {e.detail}") from e


def no_machine(vm: VMAddress) -> IssueRefused:
    """Return the error for a machine that does not exist."""
    message = f"the backend {vm.backend!r} has no machine {vm.vm!r}"
    return IssueRefused(message, field="vm", code=VMNotFound.code)


def _close(found: ConsoleEndpoint | ConsoleElsewhere) -> None:
    if isinstance(found, ConsoleEndpoint) and found.fd >= 0:
        os.close(found.fd)
