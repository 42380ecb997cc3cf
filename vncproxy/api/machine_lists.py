"""Asks all backends for their machines at the same time, each with a time limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, TimeoutError, gatherResults  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import BackendError, VNCProxyError
from ..interfaces import IConsoleBackend, IVMInventory
from ..model import VMSummary
from .caller import Caller
from .permissions import Permissions
from .shared_result import SharedResult

TIME_LIMIT = 30.0
"""Seconds that a backend may take; its own limits are usually shorter."""

MachineList = Sequence[VMSummary] | VNCProxyError


class MachineLists:
    """The machines of backends.

    Args:
        backends: by name; those that are no `IVMInventory` are left out.
        permissions: which machines a caller sees.
        clock: for the time limit.
        kept: seconds for which a list is used again; 0 for not at all.
    """

    log = Logger()

    def __init__(
        self,
        backends: Mapping[str, IConsoleBackend],
        permissions: Permissions,
        clock: IReactorTime,
        kept: float = 0.0,
    ) -> None:
        self._backends = {n: b for n, b in backends.items() if IVMInventory.providedBy(b)}
        self._permissions = permissions
        self._clock = clock
        self._kept = kept
        self._recent: dict[str, tuple[float, SharedResult[MachineList]]] = {}

    async def read(self, caller: Caller) -> Mapping[str, MachineList]:
        """Return the machines that a caller may touch by backend, or the error of a backend."""
        names = [name for name in self._backends if caller.may_touch(name)]
        results = await gatherResults([self._recent_one(name) for name in names])
        seen = (self._seen(caller, result) for result in results)
        return dict(zip(names, seen, strict=True))

    def _seen(self, caller: Caller, machines: MachineList) -> MachineList:
        if caller.vms.everything or isinstance(machines, VNCProxyError):
            return machines
        seen = (self._permissions.seen(caller, machine) for machine in machines)
        return [machine for machine in seen if machine is not None]

    def _recent_one(self, name: str) -> Deferred[MachineList]:
        """Return the machines of a backend, which is not asked twice at a time where lists keep."""
        if not self._kept:
            return self._read_one(name)
        now = self._clock.seconds()
        begun, shared = self._recent.get(name, (0.0, None))
        if shared is None or now - begun >= self._kept:
            shared = SharedResult(self._read_one(name))
            self._recent[name] = now, shared
        return shared.wait()

    def _read_one(self, name: str) -> Deferred[MachineList]:
        inventory = IVMInventory(self._backends[name])

        async def machines() -> MachineList:
            found: Sequence[VMSummary] = await inventory.list()
            return found

        listing = Deferred.fromCoroutine(machines()).addTimeout(TIME_LIMIT, self._clock)
        return listing.addErrback(self._failed, name)

    def _failed(self, failure: Failure, name: str) -> VNCProxyError:
        error = failure.value
        if isinstance(error, VNCProxyError):
            self.log.warn("backend {name} cannot list: {error}", name=name, error=error)
            return error
        if failure.check(TimeoutError):
            self.log.warn("backend {name} did not list in {s} s", name=name, s=TIME_LIMIT)
        else:
            self.log.failure("backend {name} cannot list", failure, name=name)
        return BackendError(public="The machines of this backend could not be listed.")
