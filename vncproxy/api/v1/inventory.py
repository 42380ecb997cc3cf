"""The machines of all backends in one list, with an error for each backend that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, TimeoutError, gatherResults  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ...errors import BackendError, VNCProxyError
from ...interfaces import IConsoleBackend, IVMInventory
from ...model import VMSummary
from ..caller import Caller
from ..reply import Reply
from .bodies import vm_body

TIME_LIMIT = 30.0
"""Seconds that a backend may take; its own limits are usually shorter."""


class Inventory:
    """The machines' part of the API.

    Args:
        backends: by name; those that are no `IVMInventory` are left out.
        clock: for the time limit.
    """

    log = Logger()

    def __init__(self, backends: Mapping[str, IConsoleBackend], clock: IReactorTime) -> None:
        self._backends = {n: b for n, b in backends.items() if IVMInventory.providedBy(b)}
        self._clock = clock

    async def list(self, caller: Caller) -> Reply:
        """Return the machines of the backends that the caller may touch, from all at once."""
        names = [name for name in self._backends if caller.may_touch(name)]
        results = await gatherResults([self._list_one(name) for name in names])
        machines: list[object] = []
        errors: list[object] = []
        for name, result in zip(names, results, strict=True):
            if isinstance(result, VNCProxyError):
                errors.append(_error_body(name, result))
            else:
                machines += [vm_body(machine) for machine in sorted(result, key=_address)]
        return Reply(200, {"vms": machines, "errors": errors})

    def _list_one(self, name: str) -> Deferred[Sequence[VMSummary] | VNCProxyError]:
        inventory = IVMInventory(self._backends[name])

        async def machines() -> Sequence[VMSummary] | VNCProxyError:
            return await inventory.list()

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


def _address(machine: VMSummary) -> str:
    return str(machine.vm)


def _error_body(name: str, error: VNCProxyError) -> dict[str, object]:
    return {"backend": name, "code": error.code, "message": error.sentence()}
