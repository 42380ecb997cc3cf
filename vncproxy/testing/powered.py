"""A backend in memory whose machines can be started, stopped and reset."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ..errors import ConsoleUnavailable, PowerStateUnfit, VNCProxyError
from ..interfaces import IPower
from ..model import ConsoleEndpoint, PowerAction
from .consoles import StaticConsoles

_OFF = (PowerAction.SHUTDOWN, PowerAction.OFF)


@implementer(IPower)
class PoweredConsoles(StaticConsoles):
    """`StaticConsoles` with power; a machine that is off shows no console.

    Attributes:
        off: the ids of machines that are off.
        allowed: what `power_actions` returns.
        done: each machine and action, in order.
        wait: until this has fired, actions are under way; None for no wait.
        fail: what `power` raises; None for nothing.
    """

    def __init__(self, consoles: Mapping[str, ConsoleEndpoint], name: str = "static") -> None:
        super().__init__(consoles, name)
        self.off: set[str] = set()
        self.allowed: Collection[PowerAction] = tuple(PowerAction)
        self.done: list[tuple[str, PowerAction]] = []
        self.wait: Deferred[None] | None = None
        self.fail: VNCProxyError | None = None

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Return the endpoint of a machine that is on."""
        found = await super().locate(vm)
        if vm in self.off:
            raise ConsoleUnavailable("shut off")
        assert isinstance(found, ConsoleEndpoint)
        return found

    def power_actions(self) -> Collection[PowerAction]:
        """Return what is allowed."""
        return self.allowed

    async def is_off(self, vm: str) -> bool:
        """Return whether a machine is off."""
        await super().locate(vm)
        return vm in self.off

    async def power(self, vm: str, action: PowerAction) -> bool:
        """Do it, where the state allows it."""
        await super().locate(vm)
        if (vm in self.off) is not (action is PowerAction.START):
            raise PowerStateUnfit("shut off" if vm in self.off else "running")
        self.done.append((vm, action))
        if self.wait is not None:
            await self.wait
        if self.fail is not None:
            raise self.fail
        (self.off.add if action in _OFF else self.off.discard)(vm)
        return action not in (PowerAction.SHUTDOWN, PowerAction.REBOOT)
