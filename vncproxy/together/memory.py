"""The sessions of a machine in this process, where nothing is shared with others."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from ..interfaces import IMachineSessions
from ..model import SessionFilter, VMAddress
from ..session.registry import SessionRegistry


@implementer(IMachineSessions)
class MemoryMachineSessions:
    """The sessions of one process.

    Attributes:
        on_message: takes the messages for its sessions.
        on_change: is called with a machine that has another driver than before.
        on_entered: is called with a machine that a session enters which waited until now.
    """

    def __init__(self, sessions: SessionRegistry) -> None:
        self.on_message: Callable[[bytes], object] = lambda message: None
        self.on_change: Callable[[VMAddress], object] = lambda vm: None
        self.on_entered: Callable[[VMAddress], object] = lambda vm: None
        self._sessions = sessions
        self._drivers: dict[VMAddress, str] = {}

    async def find(self, vm: VMAddress, session_id: str, *, joined: bool = False) -> str:
        """Return the name of a live session."""
        wanted = SessionFilter(vm=vm, ids=frozenset({session_id}))
        for each in self._sessions.matching(wanted):
            if not each.ending and (joined or each.joins is None):
                return self._sessions.lease(each).name
        return ""

    async def drive(self, vm: VMAddress, name: str, *, wants: bool) -> str:
        """Return the driver of a machine; where there is none, the session that wants to be it."""
        driver = await self._driver(vm)
        if not wants or driver not in ("", name) or not await self._lives(vm, name):
            return driver
        self._drivers[vm] = name
        if driver != name:
            self.on_change(vm)
        return name

    async def give(self, vm: VMAddress, name: str, other: str) -> str:
        """Let the driver hand a machine over."""
        if self._drivers.get(vm) != name:
            return await self._driver(vm)
        del self._drivers[vm]
        if other and await self._lives(vm, other):
            self._drivers[vm] = other
        self.on_change(vm)
        return self._drivers.get(vm, "")

    async def announce(self, vm: VMAddress, name: str) -> None:
        """Let this process know that a session enters a machine."""
        self.on_entered(vm)

    async def tell(self, name: str, message: str) -> bool:
        """Take a message for a session of this process."""
        self.on_message(message.encode())
        return True

    async def _driver(self, vm: VMAddress) -> str:
        driver = self._drivers.get(vm, "")
        if driver and not await self._lives(vm, driver):
            del self._drivers[vm]
            return ""
        return driver

    async def _lives(self, vm: VMAddress, name: str) -> bool:
        return await self.find(vm, name.partition("/")[2], joined=True) == name
