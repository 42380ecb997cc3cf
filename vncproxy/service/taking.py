"""Takes a picture of a machine, here or by a peer, where that harms no session of a user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.logger import Logger

from ..errors import (
    AtAnotherProxy,
    ConsoleError,
    ConsoleInUse,
    ConsoleOccupied,
    HypervisorError,
    NoGraphicalConsole,
    VMNotFound,
    VNCProxyError,
)
from ..hosts.directory import Way
from ..hosts.peer import Peer
from ..model import Journey, SessionFilter, SessionInfo, VMAddress
from ..relay.leg import Leg
from ..screenshots.formats import Shot
from ..session.registry import SessionRegistry
from ..together.viewers import require_room
from ..tokens.issuing import MOST_HOPS
from .one_at_a_time import OneAtATime

if TYPE_CHECKING:
    from ..screen import Picture
    from ..screenshots.recorded import RecordedScreen, RecordedScreens

OfMachine = Callable[[VMAddress], Awaitable[Sequence[SessionInfo]]]
"""Returns the sessions of a machine, in all processes."""

FindRecording = Callable[[str], Path | None]

TIME_LIMIT: Final = 10.0
"""Seconds within which a console sends its screen, and a thread decodes or encodes it."""

LOOKING_TIME: Final = 5.0
"""Seconds for finding another proxy that shows a machine."""

_ONLY_HERE: Final = (NoGraphicalConsole, ConsoleInUse)
"""Errors that another proxy would not mend."""

_PRIVATE: Final = "This console is open for one user alone. Ask for a picture when it is closed."


class Ways(Protocol):
    """Knows the proxies: `Directory`."""

    def elsewhere(self, vm: VMAddress) -> Awaitable[Sequence[Way]]:
        """Return the other proxies that may show a machine which this one cannot show."""


class PictureTaker:
    """Takes pictures of machines' consoles.

    Args:
        sessions: of this process.
        of_machine: returns the sessions of a machine, in all processes.
        ways: knows other proxies.
        in_thread: decodes.
        screens: shows sessions that are being recorded.
        find_recording: returns the file of a session that is being recorded, by its id, or None.
        turns: lets one process at a time open a machine's console for a picture.
    """

    log = Logger()

    def __init__(
        self,
        sessions: SessionRegistry,
        of_machine: OfMachine,
        ways: Ways,
        in_thread: Callable[..., Deferred[Any]],
        reactor: Any,
        screens: RecordedScreens,
        find_recording: FindRecording,
        turns: OneAtATime,
    ) -> None:
        self._turns = turns
        self._sessions = sessions
        self._of_machine = of_machine
        self._ways = ways
        self._in_thread = in_thread
        self._reactor = reactor
        self._screens = screens
        self._find_recording = find_recording

    async def take(self, shot: Shot) -> Picture:
        """Take a picture.

        Raises:
            ConsoleOccupied: a session has the machine that shares it with no others.
            ConsoleInUse: the console is shown to one viewer.
            AtAnotherProxy: another one shows it, which has to be asked.
            VNCProxyError: its console cannot be shown.
        """
        await require_shared(self._of_machine, shot.vm)
        recorded = await self._recorded(shot)
        if recorded is not None and recorded.is_exact:
            return recorded.picture
        try:
            return await self._take_anywhere(shot)
        except VNCProxyError:
            if recorded is None:
                raise
            return recorded.picture

    async def _take_anywhere(self, shot: Shot) -> Picture:
        try:
            return await self._turns.run(shot.vm, partial(self._take_here, shot))
        except (ConsoleError, HypervisorError) as e:
            if shot.hops >= MOST_HOPS or isinstance(e, _ONLY_HERE):
                raise
            return await self._take_elsewhere(shot, e)

    async def _recorded(self, shot: Shot) -> RecordedScreen | None:
        """Return the screen of a session that this process records, without a new connection."""
        for session in self._sessions.matching(SessionFilter(vm=shot.vm)):
            path = self._find_recording(session.id) if session.is_recorded else None
            if path is not None:
                return await self._screens.show(path, cursor=shot.cursor is True)
        return None

    async def _take_here(self, shot: Shot) -> Picture:
        from ..screenshots.camera import take_picture

        leg, server_init = await open_to_look(self._sessions, shot.vm)
        return await take_picture(
            leg, server_init, self._in_thread, TIME_LIMIT, self._reactor, shot.cursor
        )

    async def _take_elsewhere(self, shot: Shot, error: VNCProxyError) -> Picture:
        """Let a peer take the picture that this proxy cannot take.

        Args:
            error: why it cannot.
        """
        for way in await self._find_ways(shot.vm):
            if way.peer is None:
                raise AtAnotherProxy(
                    f"{shot.vm} is shown by the proxy {way.name}", public=_ask_proxy(way.name)
                ) from error
            try:
                return await self._ask(way.peer, shot)
            except VMNotFound as e:
                self.log.info(
                    "{vm} is not shown by {peer}: {why}", vm=shot.vm, peer=way.name, why=e
                )
        raise error

    async def _find_ways(self, vm: VMAddress) -> Sequence[Way]:
        async def looked() -> Sequence[Way]:
            return await self._ways.elsewhere(vm)

        try:
            return await Deferred.fromCoroutine(looked()).addTimeout(LOOKING_TIME, self._reactor)
        except (VNCProxyError, TimeoutError) as e:
            self.log.info("where {vm} is shown is not known: {why}", vm=vm, why=e)
            return ()

    async def _ask(self, peer: Peer, shot: Shot) -> Picture:
        from ..screenshots.images import decode_image

        image = await peer.picture(shot.vm, shot.cursor, shot.hops + 1)
        picture: Picture = await self._in_thread(decode_image, image)
        return picture


async def require_shared(of_machine: OfMachine, vm: VMAddress) -> None:
    """Make sure that a further user might look at a machine now.

    Raises:
        ConsoleOccupied: a session has the machine that shares it with no others.
    """
    for each in await of_machine(vm):
        if each.policy.is_exclusive and each.joins is None:
            raise ConsoleOccupied(f"session {each.id} has {vm} to itself", public=_PRIVATE)


async def open_to_look(sessions: SessionRegistry, vm: VMAddress) -> tuple[Leg, bytes]:
    """Open a machine's console where that disconnects no viewer: its leg, and ServerInit.

    Raises:
        ConsoleInUse: the console is shown to one viewer.
        VNCProxyError: it cannot be opened here.
    """
    await require_room(sessions.services.backends, vm)
    console, _ = await sessions.services.consoles().open(vm, journey=_in_zone)
    return console.leg, console.server_init


def _in_zone(zone: str) -> Journey:
    """Refuse: a visit of another zone is a session there, which could end one of its users."""
    raise AtAnotherProxy(
        f"the machine is in the zone {zone}",
        public=f"The virtual machine is in the zone {zone}. Ask a proxy there for a picture.",
    )


def _ask_proxy(name: str) -> str:
    return f"The virtual machine is shown by the proxy {name}. Ask that one for a picture."
