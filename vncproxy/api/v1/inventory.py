"""The machines of all backends in one list, with an error for each backend that failed."""

from __future__ import annotations

from ...answers import BackendFailure, Machine, MachineList
from ...errors import VNCProxyError
from ...model import VMSummary
from ..caller import Caller
from ..machine_lists import MachineLists
from ..reply import Reply
from .bodies import vm_body


class Inventory:
    """The machines' part of the API."""

    def __init__(self, lists: MachineLists) -> None:
        self._lists = lists

    async def list(self, caller: Caller) -> Reply[MachineList]:
        """Return the machines of the backends that the caller may touch, from all at once."""
        machines: list[Machine] = []
        errors: list[BackendFailure] = []
        for name, result in (await self._lists.read(caller)).items():
            if isinstance(result, VNCProxyError):
                errors.append(_error_body(name, result))
            else:
                machines += [vm_body(machine) for machine in sorted(result, key=_address)]
        return Reply(200, {"vms": machines, "errors": errors})


def _address(machine: VMSummary) -> str:
    return str(machine.vm)


def _error_body(name: str, error: VNCProxyError) -> BackendFailure:
    return {"backend": name, "code": error.code, "message": error.sentence()}
