"""Consoles of machines that OpenNebula runs: on its hosts, in other zones, in a vCenter.

Needs the extra ``vncproxy[opennebula]``; this module itself loads without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

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
from ...model import ConsoleElsewhere, ConsoleEndpoint, MachineHost, PowerAction, VMSummary
from ..time_limits import IN_THREAD
from .settings import OpenNebulaSettings

if TYPE_CHECKING:
    from .cloud import Cloud
    from .connection import PostFunction

T = TypeVar("T")


@implementer(IConsoleBackend, IHasWarnings, IKnowsHosts, IMachineIds, IPower, IVMInventory)
class OpenNebulaBackend:
    """The machines of one OpenNebula.

    A VM is named by its id, or by its name where no other machine has the same; one of another zone
    of the federation has the zone's id or name in front: ``100/42``, ``madrid/web``. The inventory
    gives ids, of this zone. A machine that runs in a vCenter is left to the backend that is named
    for those, and one that another zone's proxy shows to that zone.

    Args:
        post: carries the requests, for tests; HTTP when it is not given.

    Raises:
        ConfigurationError: pyone is not installed.
    """

    Settings = OpenNebulaSettings

    def __init__(self, context: BackendContext, post: PostFunction | None = None) -> None:
        self._name = context.name
        self._settings: OpenNebulaSettings = context.settings
        self._calls = context.calls
        self._post = post
        self._cloud = _cloud(self._settings, post)
        self._problems: Sequence[str] = ()

    async def locate(self, vm: str) -> ConsoleEndpoint | ConsoleElsewhere:
        """Ask OpenNebula, other zones, and those behind hybrid hosts; see ``IConsoleBackend``."""
        from .federation import locate

        return await self._ask(locate, vm, self._settings.max_hops, self._post)

    def fixed_part(self, vm: str) -> str:
        """Return a number and its zone; everything else is a name, which its owner chooses."""
        zone, slash, machine = vm.rpartition("/") if self._settings.federation else ("", "", vm)
        return vm if machine.isascii() and machine.isdigit() else zone + slash

    async def host_of(self, vm: str) -> MachineHost:
        """Return the host on which a machine is, by its name in OpenNebula; see ``IKnowsHosts``.

        Of one on a hybrid host, it is that host.
        """
        from .hosts import host_of

        return await self._ask(host_of, vm)

    async def own_hosts(self) -> Sequence[str]:
        """Return the names of all hosts of the cloud."""
        from .hosts import own_hosts

        return await self._ask(own_hosts)

    async def list(self) -> Sequence[VMSummary]:
        """Return the machines that are not terminated, as far as the account can see them."""
        from .cloud import Cloud

        return await self._ask(Cloud.inventory, self._name)

    def power_actions(self) -> Collection[PowerAction]:
        """Return all actions, where the table allows them; see ``IPower``."""
        return tuple(PowerAction) if self._settings.power else ()

    async def power(self, vm: str, action: PowerAction) -> bool:
        """Ask OpenNebula for it, which does it later; see ``IPower``."""
        from .power import act

        return await self._ask(act, vm, action, self._post)

    async def is_off(self, vm: str) -> bool:
        """Return whether a machine is off, and can be started; see ``IPower``."""
        from .power import is_off

        return await self._ask(is_off, vm, self._post)

    async def probe(self) -> str:
        """Return versions and accounts, here and behind the hybrid hosts that are configured.

        One console on each host is dialled, too.
        """
        from .probe import probe

        probed = await self._ask(probe, self._post)
        self._problems = probed.problems
        return probed.line

    def warnings(self) -> Sequence[str]:
        """Return what is not safe, and the consoles that could not be reached."""
        return [*self._settings.warnings(), *self._problems]

    async def close(self) -> None:
        """Do nothing: no connection is kept."""

    async def _ask(self, question: Callable[..., T], *args: Any) -> T:
        from .cloud import Inquiry

        timeout = self._settings.timeout
        inquiry = Inquiry(self._cloud, timeout * IN_THREAD)
        answer: T = await self._calls.call(timeout, inquiry, question, *args)
        return answer


def _cloud(settings: OpenNebulaSettings, post: PostFunction | None) -> Cloud:
    try:
        from .cloud import Cloud
    except ImportError as e:
        raise ConfigurationError(
            f"backends of type opennebula need pyone: pip install 'vncproxy[opennebula]' ({e})"
        ) from e
    return Cloud(settings.endpoint, settings.session.get_secret_value(), settings, post)
