"""Consoles of QEMU and KVM machines that libvirt runs, on this machine or another.

Needs the extra ``vncproxy[libvirt]``; this module itself loads without it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from zope.interface import implementer

from ...errors import BackendError, UpstreamViolation, VNCProxyError
from ...interfaces import (
    BackendContext,
    IBlockingCalls,
    IConsoleBackend,
    IConsoleRecovery,
    IHasWarnings,
    IKnowsHosts,
    IMachineIds,
    IMachineOwners,
    IPower,
    IVMInventory,
)
from ...model import ConsoleEndpoint, MachineHost, Ownership, PowerAction, VMAddress, VMSummary
from ...tls.settings import warnings_about
from ..uuids import uuid_of
from .cluster import ask_all, host_of, is_off, locate, power
from .hypervisor import Hypervisor, close_socket
from .settings import LibvirtSettings

THREADS_OF_A_HOST: Final = 4
"""Calls to one of several hosts at a time; libvirt answers five (``max_client_requests``)."""


@implementer(
    IConsoleBackend,
    IConsoleRecovery,
    IHasWarnings,
    IKnowsHosts,
    IMachineIds,
    IMachineOwners,
    IPower,
    IVMInventory,
)
class LibvirtBackend:
    """The domains of one libvirt, or of several among which they are migrated.

    A VM is named by UUID, name or, on a single libvirt, numeric id. The inventory has UUIDs as ids:
    unlike a UUID, a name can be given to another machine while a token is still valid.

    Raises:
        ConfigurationError: libvirt-python is not installed.
    """

    Settings = LibvirtSettings

    def __init__(self, context: BackendContext) -> None:
        self._name = context.name
        self._log = context.log
        self._settings: LibvirtSettings = context.settings
        self._hypervisors = _hypervisors(self._settings, context.calls)
        self._problems: Sequence[str] = ()

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Ask libvirt where the console is; see ``IConsoleBackend``.

        A descriptor in the endpoint belongs to the caller.
        """
        return await locate(self._hypervisors, vm)

    def fixed_part(self, vm: str) -> str:
        """Return a UUID; names, and numbers of running domains, are given out anew."""
        return vm if uuid_of(vm) else ""

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        """Raise the refusal: libvirt was asked a moment ago, and would answer the same."""
        raise refusal

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        """Return the refusal as it is: libvirt adds nothing to it."""
        return refusal

    async def current_host(self, vm: str) -> str:
        """Return the host on which a machine runs now; see ``IConsoleRecovery``."""
        if len(self._hypervisors) == 1:
            return ""
        endpoint = await self.locate(vm)
        close_socket(endpoint)
        return endpoint.host

    async def host_of(self, vm: str) -> MachineHost:
        """Return the host on which a machine runs, or is defined; see ``IKnowsHosts``."""
        return await host_of(self._hypervisors, vm)

    async def own_hosts(self) -> Sequence[str]:
        """Return the names of all hosts, as libvirt reports them."""
        answers, failures = await ask_all(self._hypervisors, Hypervisor.host_name)
        if failures:
            raise failures[0]
        return list(answers.values())

    async def list(self) -> Sequence[VMSummary]:
        """Return all domains, running or not, sorted by name.

        A domain that several hosts have defined is listed once, in its state on the host where it
        runs.
        """
        answers, failures = await ask_all(self._hypervisors, Hypervisor.inventory)
        if not answers:
            raise failures[0]
        for failure in failures:
            self._log.warn(
                "{backend}: machines are missing: {failure}", backend=self._name, failure=failure
            )
        states = [each for inventory in answers.values() for each in inventory]
        # of two with the same UUID the last one stays
        found = {each.uuid: each for each in sorted(states, key=lambda each: -each.rank)}
        return [
            VMSummary(VMAddress(self._name, each.uuid), each.name, each.text)
            for each in sorted(found.values(), key=lambda each: each.name)
        ]

    async def owners(self, vms: Sequence[str]) -> Mapping[str, Ownership]:
        """Return whose domains are, by their UUIDs; see ``IMachineOwners``."""
        from .owners import agreed

        answers, failures = await ask_all(self._hypervisors, lambda each: each.owners(vms))
        found = agreed(answers.values())
        if failures and len(found) < len(vms):
            raise failures[0]
        return found

    def power_actions(self) -> Collection[PowerAction]:
        """Return all actions, where the table allows them; see ``IPower``."""
        return tuple(PowerAction) if self._settings.power else ()

    async def power(self, vm: str, action: PowerAction) -> bool:
        """Start, stop or reset a machine; see ``IPower``."""
        return await power(self._hypervisors, vm, action)

    async def is_off(self, vm: str) -> bool:
        """Return whether a machine is off, and can be started; see ``IPower``."""
        return await is_off(self._hypervisors, vm)

    async def probe(self) -> str:
        """Return versions and the number of machines of each hypervisor, and dial its consoles."""
        answers, failures = await ask_all(self._hypervisors, Hypervisor.describe)
        unreachable, _ = await ask_all(answers, Hypervisor.unreachable_consoles)
        self._problems = [line for lines in unreachable.values() for line in lines]
        if failures:
            raise BackendError("; ".join([*map(str, failures), *answers.values()]))
        return "; ".join(answers.values())

    def warnings(self) -> Sequence[str]:
        """Return settings that are unsafe or without effect, and consoles out of reach."""
        trusts = [self._settings.reach(uri).tls for uri in self._settings.hypervisors()]
        about_tls = dict.fromkeys(line for trust in trusts for line in warnings_about(trust))
        return [*self._settings.ineffective(), *about_tls, *self._problems]

    async def close(self) -> None:
        """Close the connections."""
        await ask_all(self._hypervisors, Hypervisor.close)


def _hypervisors(settings: LibvirtSettings, calls: IBlockingCalls) -> list[Hypervisor]:
    """Return the hosts, each with threads of its own where there are several."""
    uris = settings.hypervisors()
    if len(uris) == 1:
        return [Hypervisor(uris[0], settings, calls)]
    return [Hypervisor(uri, settings, calls.part(uri, THREADS_OF_A_HOST)) for uri in uris]
