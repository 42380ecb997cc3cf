"""Consoles of machines that VMware vSphere runs, behind a vCenter server or on one ESXi host.

Needs the extra ``vncproxy[vmware]``; this module itself loads without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from zope.interface import implementer

from ...errors import ConfigurationError
from ...interfaces import (
    BackendContext,
    IConsoleBackend,
    IHasWarnings,
    IKnowsHosts,
    IMachineIds,
    IPower,
    IVMInventory,
)
from ...model import ConsoleEndpoint, MachineHost, PowerAction, VMSummary
from ..task_result import until_ended
from ..time_limits import IN_THREAD
from ..uuids import uuid_of
from .settings import VMwareSettings

if TYPE_CHECKING:
    from .connection import Session

T = TypeVar("T")

POWER_TIME: Final = 60.0
"""Seconds that a machine may take to start, to be reset or to be switched off."""


@implementer(IConsoleBackend, IHasWarnings, IKnowsHosts, IMachineIds, IPower, IVMInventory)
class VMwareBackend:
    """The machines of one vCenter or ESXi host.

    A VM is named by instance UUID, BIOS UUID, managed object id (``vm-123``, or with the vCenter's
    instance UUID behind it, ``vm-123_UUID``), inventory path, or by its name where no other machine
    has the same. The inventory gives instance UUIDs.

    Raises:
        ConfigurationError: pyvmomi is not installed.
    """

    Settings = VMwareSettings

    def __init__(self, context: BackendContext) -> None:
        self._name = context.name
        self._settings: VMwareSettings = context.settings
        self._calls = context.calls
        self._clock = context.clock
        self._session = _session(self._settings)
        self._problems: Sequence[str] = ()

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Ask vSphere for the console, with a ticket that is good once; see ``IConsoleBackend``."""
        from .console import locate

        return await self._ask(locate, vm)

    def fixed_part(self, vm: str) -> str:
        """Return an instance UUID or a managed object id; who configures a machine chooses others.

        A BIOS UUID has the form of an instance UUID, so where those count no UUID is fixed.
        """
        from .machines import is_managed_object_id

        by_uuid = uuid_of(vm) and not self._settings.bios_uuids
        return vm if by_uuid or is_managed_object_id(vm) else ""

    async def host_of(self, vm: str) -> MachineHost:
        """Return a machine's host and its cluster; see ``IKnowsHosts``."""
        from .hosts import host_of

        return await self._ask(host_of, vm)

    async def own_hosts(self) -> Sequence[str]:
        """Return the names of all hosts and clusters."""
        from .hosts import own_hosts

        return await self._ask(own_hosts)

    async def list(self) -> Sequence[VMSummary]:
        """Return the machines that the account can see, without templates, sorted by name."""
        from .machines import inventory

        return await self._ask(inventory, self._name)

    def power_actions(self) -> Collection[PowerAction]:
        """Return all actions, where the table allows them; see ``IPower``."""
        return tuple(PowerAction) if self._settings.power else ()

    async def power(self, vm: str, action: PowerAction) -> bool:
        """Start, stop or reset a machine, by a task or its guest; see ``IPower``."""
        from .power import begin, has_ended

        if not (task := await self._ask(begin, vm, action)):
            return False
        return await until_ended(self._clock, lambda: self._ask(has_ended, task), POWER_TIME)

    async def is_off(self, vm: str) -> bool:
        """Return whether a machine is off, and can be started; see ``IPower``."""
        from .power import is_off

        return await self._ask(is_off, vm)

    async def probe(self) -> str:
        """Log in and return product, version and the number of machines; dial all hosts."""
        from .probe import probe

        probed = await self._ask(probe)
        self._problems = probed.problems
        return probed.line

    def warnings(self) -> Sequence[str]:
        """Return unsafe settings, and what the last probe found to keep users from consoles."""
        return [*self._settings.warnings(), *self._problems]

    async def close(self) -> None:
        """Log out."""
        await self._calls.call(self._settings.timeout, self._session.close)

    async def _ask(self, question: Callable[..., T], *args: Any) -> T:
        answer: T = await self._calls.call(self._settings.timeout, self._session, question, *args)
        return answer


def _session(settings: VMwareSettings) -> Session:
    try:
        from .connection import Session
    except ImportError as e:
        raise ConfigurationError(
            f"backends of type vmware need pyvmomi: pip install 'vncproxy[vmware]' ({e})"
        ) from e
    return Session(settings, settings.timeout * IN_THREAD)
