"""One libvirt, asked in threads and with a time limit.

This module loads without libvirt-python; making a hypervisor needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import ConfigurationError
from ...interfaces import IBlockingCalls
from ...model import ConsoleEndpoint, MachineHost, PowerAction
from .settings import LibvirtSettings

if TYPE_CHECKING:
    from .connection import Connection
    from .owners import DomainOwner
    from .states import DomainState

T = TypeVar("T")

POWER_TIME: Final = 60.0
"""Seconds that starting or stopping a machine may take; a large memory takes some."""


class Hypervisor:
    """One libvirt.

    Every question raises ``BackendError`` when libvirt does not answer in time, or fails.

    Attributes:
        uri: libvirt's URI of it.

    Raises:
        ConfigurationError: libvirt-python is not installed.
    """

    def __init__(self, uri: str, settings: LibvirtSettings, calls: IBlockingCalls) -> None:
        self.uri = uri
        self._settings = settings
        self._calls = calls
        self._libvirt = _connection(uri, settings.timeout)

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Return where a machine's console is; a descriptor in it belongs to the caller.

        Raises:
            VMNotFound, ConsoleUnavailable: see ``IConsoleBackend``.
        """
        from .machines import locate

        reach = self._settings.reach(self.uri)
        return await self._ask(locate, vm, reach, self._settings.addresses, late=close_socket)

    async def domain_state(self, vm: str) -> DomainState:
        """Return a machine's state by UUID or name; an id means another machine on each host.

        Raises:
            VMNotFound: this libvirt has no such machine.
        """
        from .machines import domain_state

        return await self._ask(domain_state, vm)

    async def host_of(self, vm: str, by_id: bool = False) -> tuple[DomainState, MachineHost]:
        """Return a machine's state, and this host as far as it is the machine's.

        Raises:
            VMNotFound: this libvirt has no such machine.
        """
        from .machines import host_of

        state, name = await self._ask(host_of, vm, by_id)
        names = (name, self._settings.reach(self.uri).host)
        found = MachineHost(tuple(dict.fromkeys(filter(None, names))), state.is_showing, state.uuid)
        return state, found

    async def host_name(self) -> str:
        """Return the host's name, as libvirt reports it."""
        from .machines import host_name

        return await self._ask(host_name)

    async def inventory(self) -> Sequence[DomainState]:
        """Return all machines, in any state."""
        from .machines import inventory

        return await self._ask(inventory)

    async def owners(self, uuids: Sequence[str]) -> Mapping[str, DomainOwner]:
        """Return the owners of machines by UUID, without those that this libvirt does not have."""
        from .owners import owners

        return await self._ask(owners, uuids)

    async def power(self, vm: str, action: PowerAction, by_id: bool) -> bool:
        """Do something to a machine's power; see ``IPower``."""
        from .power import act

        limit = max(self._settings.timeout, POWER_TIME)
        done: bool = await self._calls.call(limit, self._libvirt, act, vm, action, by_id)
        return done

    async def is_off(self, vm: str, by_id: bool) -> bool:
        """Return whether a machine is off, and is started here.

        Raises:
            VMNotFound: this libvirt has no such machine.
        """
        from .power import is_off

        return await self._ask(is_off, vm, by_id)

    async def describe(self) -> str:
        """Return versions and the number of machines."""
        from .machines import describe

        return await self._ask(describe, self.uri)

    async def unreachable_consoles(self) -> Sequence[str]:
        """Return a line for each console of a running machine that cannot be reached."""
        from .probe import unreachable_consoles

        settings = self._settings
        found = await self._ask(unreachable_consoles, settings.reach(self.uri), settings.addresses)
        return [f"{self.uri}: {each}" for each in found]

    async def close(self) -> None:
        """Close the connection."""
        await self._calls.call(self._settings.timeout, self._libvirt.close)

    async def _ask(
        self,
        question: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> T:
        answer: T = await self._calls.call(
            self._settings.timeout, self._libvirt, question, *args, late=late
        )
        return answer


def _connection(uri: str, timeout: float) -> Connection:
    try:
        from .connection import Connection
    except ImportError as e:
        raise ConfigurationError(
            f"backends of type libvirt need libvirt-python: pip install 'vncproxy[libvirt]' ({e})"
        ) from e
    return Connection(uri, timeout)


def close_socket(endpoint: ConsoleEndpoint) -> None:
    """Close the socket of an endpoint that is not used, where it has one."""
    if endpoint.fd >= 0:
        os.close(endpoint.fd)
