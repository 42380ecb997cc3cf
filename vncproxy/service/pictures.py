"""Pictures of machines: put together, where what decodes screens is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred

from ..blocking import BoundedCalls
from ..model import VMAddress
from ..session.registry import SessionRegistry
from ..together.viewers import require_room

if TYPE_CHECKING:
    from ..screen import Picture
    from ..screenshots.album import Album

TIME_LIMIT: Final = 10.0
"""Seconds within which a console sends its screen, and a thread decodes it."""

THREADS: Final = 2


def make_album(sessions: SessionRegistry, calls: BoundedCalls, reactor: Any) -> Album | None:
    """Return what takes pictures of machines; None where numpy or Pillow is not installed."""
    try:
        from ..screenshots.album import Album
        from ..screenshots.camera import take_picture
    except ImportError:
        return None
    threads = calls.part("pictures", THREADS)

    def in_thread(function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return threads.call(TIME_LIMIT, function, *args)

    async def take(vm: VMAddress) -> Picture:
        await require_room(sessions.services.backends, vm)
        console, _ = await sessions.services.consoles().open(vm)
        return await take_picture(console.leg, console.server_init, in_thread, TIME_LIMIT, reactor)

    return Album(take, in_thread, reactor)
