"""Where a machine is now: its own backend is asked, and other proxies where that does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..errors import BackendError, ConsoleUnavailable, VMNotFound
from ..interfaces import IConsoleBackend, IKnowsHosts, IMachineFinder
from ..model import MachineHost, VMAddress

TIME_LIMIT = 5.0
"""Seconds that a backend may take to say where a machine is; a user may wait for it."""

REMEMBERED = 1.0
"""Seconds for which answers of other proxies are reused."""

MOST_REMEMBERED = 1000
"""Machines for which they are kept."""

_SEVERAL = "Several virtual machines have this name."


class Sightings:
    """Finds machines.

    Args:
        backends: of this proxy, by name.
        finder: asks other proxies; None where there are none.
        clock: for the time limit.
    """

    def __init__(
        self,
        backends: Mapping[str, IConsoleBackend],
        finder: IMachineFinder | None,
        clock: IReactorTime,
    ) -> None:
        self._backends = backends
        self._finder = finder
        self._clock = clock
        self._recent: dict[VMAddress, tuple[float, Sequence[MachineHost]]] = {}

    async def here(self, vm: VMAddress) -> MachineHost | None:
        """Return the host that this proxy's backend knows; None where it knows none.

        Raises:
            VMNotFound: there is no such machine.
            BackendError: the backend fails, or does not answer in time.
        """
        backend = self._backends.get(vm.backend)
        if not IKnowsHosts.providedBy(backend):
            return None
        knows = IKnowsHosts(backend)

        async def asked() -> MachineHost:
            found: MachineHost = await knows.host_of(vm.vm)
            return found

        try:
            return await Deferred.fromCoroutine(asked()).addTimeout(TIME_LIMIT, self._clock)
        except ConsoleUnavailable:  # it runs on two hosts at once
            return None
        except TimeoutError as e:
            raise BackendError(f"{vm.backend!r} did not answer within {TIME_LIMIT:g} s") from e

    async def anywhere(self, vm: VMAddress) -> MachineHost | None:
        """Return the host of a machine as any proxy knows it, best where the machine runs.

        None where no proxy can tell.

        Raises:
            VMNotFound: there is no such machine at this proxy, and others do not know it either.
            BackendError: the backend fails, and others do not know; or they know different
                machines of this name.
            StoreUnavailable: they cannot be asked.
        """
        problem: VMNotFound | BackendError | None = None
        here = None
        try:
            here = await self.here(vm)
        except (VMNotFound, BackendError) as e:
            problem = e
        if (here is not None and here.runs) or self._finder is None:
            return _or_raise(here, problem)
        others = await self._ask_others(vm, self._finder)
        found = [here, *others] if here is not None else list(others)
        _refuse_namesakes(vm, found)
        running = (each for each in found if each.runs)
        return _or_raise(next(running, found[0] if found else None), problem)

    async def _ask_others(self, vm: VMAddress, finder: IMachineFinder) -> Sequence[MachineHost]:
        """Return what other proxies know, or have known less than a second ago.

        A page that tries again and again must not let every hypervisor be asked each time.
        """
        now = self._clock.seconds()
        asked_at, known = self._recent.get(vm, (-REMEMBERED, ()))
        if now - asked_at < REMEMBERED:
            return known
        found: Sequence[MachineHost] = await finder.find_machine(vm)
        self._recent.pop(vm, None)
        self._recent[vm] = self._clock.seconds(), found
        if len(self._recent) > MOST_REMEMBERED:
            del self._recent[next(iter(self._recent))]
        return found


def _or_raise(
    found: MachineHost | None, problem: VMNotFound | BackendError | None
) -> MachineHost | None:
    if found is None and problem is not None:
        raise problem
    return found


def _refuse_namesakes(vm: VMAddress, found: Sequence[MachineHost]) -> None:
    """Refuse a name that different machines have: each of them may be another tenant's."""
    uuids = sorted({each.uuid for each in found if each.uuid})
    if len(uuids) > 1:
        names = ", ".join(uuids)
        raise BackendError(
            f"{vm} names {len(uuids)} machines on different hosts, {names}: use the UUID",
            public=_SEVERAL,
        )
