"""Graphical consoles of the nodes of one Ironic.

Needs the extra ``vncproxy[nova]``, OpenStack's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ...errors import UpstreamViolation, VNCProxyError
from ...interfaces import (
    BackendContext,
    IConsoleBackend,
    IConsoleRecovery,
    IHasWarnings,
    IMachineIds,
    IMachineOwners,
    IVMInventory,
)
from ...model import ConsoleEndpoint, Ownership, VMAddress, VMSummary
from ...openstack.cloud import Cloud
from ..uuids import uuid_of
from .machines import Ironic, Node
from .settings import IronicSettings
from .states import state_text


@implementer(
    IConsoleBackend, IConsoleRecovery, IHasWarnings, IMachineIds, IMachineOwners, IVMInventory
)
class IronicBackend:
    """The nodes of an Ironic: their consoles are started when they are located.

    Raises:
        ConfigurationError: the SDK is not installed.
    """

    Settings = IronicSettings

    def __init__(self, context: BackendContext) -> None:
        self._name = context.name
        self._calls = context.calls
        self._settings: IronicSettings = context.settings
        cloud = Cloud(self._settings, f"backends.{context.name}")
        self._ironic = Ironic(cloud, self._settings)

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Return where a node's console is; it is started if it does not run."""
        limit = self._settings.timeout + self._settings.start_timeout
        return await self._calls.call(limit, self._ironic.locate, vm)

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        """Ask again: Ironic may have ended the container since."""
        return await self.locate(vm)

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        """Return the refusal as it is: Ironic adds nothing to it."""
        return refusal

    async def current_host(self, vm: str) -> str:
        """Return nothing: nodes do not move."""
        return ""

    def fixed_part(self, vm: str) -> str:
        """Return a node's UUID; its name can be changed by its owner."""
        return vm if uuid_of(vm) else ""

    async def list(self) -> Sequence[VMSummary]:
        """Return all nodes that the account may see, sorted by name."""
        nodes = sorted(await self._nodes(), key=lambda node: node.name)
        return [
            VMSummary(VMAddress(self._name, each.uuid), each.name, state_text(each.power))
            for each in nodes
        ]

    async def owners(self, vms: Sequence[str]) -> Mapping[str, Ownership]:
        """Return the projects that own nodes, as Ironic's own policy lets their members in."""
        wanted = set(vms)
        return {
            each.uuid: Ownership(each.owner) for each in await self._nodes() if each.uuid in wanted
        }

    async def probe(self) -> str:
        """Log in and list the nodes."""
        count = len(await self._nodes())
        return f"ironic of {self._settings} has {count} node{'' if count == 1 else 's'}"

    def warnings(self) -> Sequence[str]:
        """Return what is unsafe about the way to the cloud."""
        return self._settings.cloud_warnings()

    async def close(self) -> None:
        """Do nothing: idle connections end with the process."""

    async def _nodes(self) -> Sequence[Node]:
        return await self._calls.call(self._settings.timeout, self._ironic.inventory)
