"""A backend over a dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ..errors import VMNotFound, VNCProxyError
from ..interfaces import IConsoleBackend, IMachineIds, IVMInventory
from ..model import ConsoleElsewhere, ConsoleEndpoint, VMAddress, VMSummary


@implementer(IConsoleBackend, IMachineIds, IVMInventory)
class StaticConsoles:
    """A backend over a dictionary that tests may change.

    Args:
        consoles: VM id -> its endpoint, or the error that `locate` raises.
        name: the backend's name in the list of machines.

    Attributes:
        asked: the ids passed to `locate`, in order.
        closed: whether the backend was closed.
    """

    def __init__(
        self,
        consoles: Mapping[str, ConsoleEndpoint | ConsoleElsewhere | VNCProxyError] = {},
        name: str = "static",
    ) -> None:
        self.consoles = dict(consoles)
        self.asked: list[str] = []
        self.closed = False
        self._name = name

    async def locate(self, vm: str) -> ConsoleEndpoint | ConsoleElsewhere:
        """Return or raise the value of a VM."""
        self.asked.append(vm)
        found = self.consoles.get(vm)
        if found is None:
            raise VMNotFound(f"no console {vm!r}")
        if isinstance(found, VNCProxyError):
            raise found
        return found

    def fixed_part(self, vm: str) -> str:
        """Return the key of the dictionary."""
        return vm

    async def probe(self) -> str:
        """Count the consoles."""
        return f"{len(self.consoles)} consoles"

    async def list(self) -> Sequence[VMSummary]:
        """List all consoles as running machines."""
        return [VMSummary(VMAddress(self._name, vm), vm, "running") for vm in self.consoles]

    async def close(self) -> None:
        """Record it."""
        self.closed = True
