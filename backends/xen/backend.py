"""Consoles of machines in a pool of XenServer or XCP-ng hosts, found by way of XAPI.

Needs the extra ``vncproxy[xen]``; this module itself loads without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from zope.interface import implementer

from ...errors import ConfigurationError, UpstreamViolation, VNCProxyError
from ...interfaces import (
    BackendContext,
    IConsoleBackend,
    IConsoleRecovery,
    IHasWarnings,
    IKnowsHosts,
    IMachineIds,
    IPower,
    IVMInventory,
)
from ...model import ConsoleEndpoint, MachineHost, PowerAction, VMSummary
from ...tls.settings import warnings_about
from ..task_result import until_ended
from ..time_limits import IN_THREAD
from ..uuids import WITH_DASHES, uuid_of
from .refusals import SESSION, explain, may_pass
from .settings import XenSettings

if TYPE_CHECKING:
    from .connection import Pool

T = TypeVar("T")

POWER_TIME: Final = 60.0
"""Seconds that a machine may take to start, to be reset or to be switched off."""

GUEST_TIME: Final = 1.0
"""Seconds within which it shows whether a guest can be asked to shut down or to reboot."""


@implementer(
    IConsoleBackend, IConsoleRecovery, IVMInventory, IHasWarnings, IKnowsHosts, IMachineIds, IPower
)
class XenBackend:
    """The machines of one pool, or of a host that stands alone.

    A VM is named by UUID, or by its name where no other machine has the same. The inventory gives
    UUIDs. Templates, snapshots and the hosts' own domains are not shown.

    Raises:
        ConfigurationError: XenAPI is not installed.
    """

    Settings = XenSettings

    def __init__(self, context: BackendContext) -> None:
        self._name = context.name
        self._settings: XenSettings = context.settings
        self._calls = context.calls
        self._clock = context.clock
        self._pool = _pool(self._settings)
        self._problems: Sequence[str] = ()

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Ask XAPI where the console is; see ``IConsoleBackend``."""
        return await self._locate(vm)

    def fixed_part(self, vm: str) -> str:
        """Return a UUID; everything else is a name label."""
        return vm if uuid_of(vm, (WITH_DASHES,)) else ""

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        """Ask XAPI where the machine runs now; see ``IConsoleRecovery``."""
        if not may_pass(refusal):
            raise self.explain(refusal) from refusal
        if getattr(refusal, "http_status", 0) == SESSION:
            await self._calls.call(self._settings.timeout, self._pool.renew)
        return await self._locate(vm, at_resident=True)

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        """Return what a host's answer means; see ``IConsoleRecovery``."""
        return explain(refusal, self._settings.username)

    async def current_host(self, vm: str) -> str:
        """Return an empty text: XAPI is not asked."""
        return ""

    async def host_of(self, vm: str) -> MachineHost:
        """Return the host on which a machine runs; see ``IKnowsHosts``."""
        from .machines import host_of

        return await self._ask(host_of, vm)

    async def own_hosts(self) -> Sequence[str]:
        """Return the names of the pool's hosts."""
        from .machines import own_hosts

        return await self._ask(own_hosts)

    async def list(self) -> Sequence[VMSummary]:
        """Return all machines, running or not, sorted by name."""
        from .machines import inventory

        return await self._ask(inventory, self._name)

    def power_actions(self) -> Collection[PowerAction]:
        """Return all actions, where the table allows them; see ``IPower``."""
        return tuple(PowerAction) if self._settings.power else ()

    async def power(self, vm: str, action: PowerAction) -> bool:
        """Start, stop or reset a machine, and wait for the task; see ``IPower``."""
        from .power import begin, has_ended

        task = await self._ask(begin, vm, action)
        by_guest = action in (PowerAction.SHUTDOWN, PowerAction.REBOOT)
        limit = GUEST_TIME if by_guest else POWER_TIME
        ended = await until_ended(self._clock, lambda: self._ask(has_ended, task), limit)
        return ended and not by_guest

    async def is_off(self, vm: str) -> bool:
        """Return whether a machine is off, and can be started; see ``IPower``."""
        from .power import is_off

        return await self._ask(is_off, vm)

    async def probe(self) -> str:
        """Log in, return a line about the pool, and dial all of its hosts."""
        from .probe import probe

        probed = await self._ask(probe, self._settings)
        self._problems = probed.problems
        return probed.line

    def warnings(self) -> Sequence[str]:
        """Return unsafe or ineffective settings, and hosts that could not be reached."""
        plain = (
            "plain_console sends the session to the hosts without TLS: anybody on the way has it"
        )
        old = (
            "old_ciphers lets hosts agree on RSA key exchange: who records it and has a host's key "
            "later, reads the password"
        )
        return [
            *([plain] if self._settings.plain_console else ()),
            *([old] if self._settings.old_ciphers else ()),
            *self._settings.ineffective(),
            *warnings_about(self._settings.tls.trust()),
            *self._problems,
        ]

    async def close(self) -> None:
        """Log out."""
        await self._calls.call(self._settings.timeout, self._pool.close)

    async def _locate(self, vm: str, *, at_resident: bool = False) -> ConsoleEndpoint:
        from .console import endpoint
        from .machines import find_console

        found = await self._ask(find_console, vm)
        return endpoint(found, self._settings, at_resident=at_resident)

    async def _ask(self, question: Callable[..., T], *args: Any) -> T:
        answer: T = await self._calls.call(self._settings.timeout, self._pool, question, *args)
        return answer


def _pool(settings: XenSettings) -> Pool:
    try:
        from .connection import Pool
    except ImportError as e:
        raise ConfigurationError(
            f"backends of type xen need XenAPI: pip install 'vncproxy[xen]' ({e})"
        ) from e
    return Pool(settings, settings.timeout * IN_THREAD)
