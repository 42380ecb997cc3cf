"""The watches of all machines, and how many may wait for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from ..errors import Busy, ClientGone
from ..model import VMAddress
from ..relay.leg import Leg
from ..screenshots.camera import InThread
from ..screenshots.keeping import Shared
from .live_camera import LiveCamera
from .wanted import Seen, Wanted
from .watch import Watch

MOST_WAITING: Final = 40
"""Requests that wait at a time, fewer than the API has connections."""

MOST_OF_ONE: Final = 10
"""Of them, those of one caller."""

MOST_WATCHED: Final = 8
"""Machines that are watched at a time."""

OPENING_TIME: Final = 15.0
"""Seconds within which a console sends its screen."""

LINGER: Final = 20.0
"""Seconds for which a screen is watched that none waits for: agents wait again and again."""

CLOSE_TIME: Final = 5.0

Opened = tuple[Leg, bytes]
"""A console: its leg, right behind ServerInit, and that message."""


class Waiting:
    """Waits for screens.

    Args:
        open_console: opens a machine's console.
        allowed: raises an error where a machine may not be looked at now.
        in_thread: calls a function in a thread.
    """

    def __init__(
        self,
        open_console: Callable[[VMAddress], Awaitable[Opened]],
        allowed: Callable[[VMAddress], Awaitable[None]],
        in_thread: InThread,
        clock: IReactorTime,
    ) -> None:
        self._open_console = open_console
        self._allowed = allowed
        self._in_thread = in_thread
        self._clock = clock
        self._watches: dict[VMAddress, Watch] = {}
        self._opening: Shared[VMAddress, Watch] = Shared()
        self._of_callers: Counter[str] = Counter()

    async def wait(self, vm: VMAddress, wanted: Wanted, caller: str) -> Seen:
        """Wait until a machine's screen is as wanted, or the time is over.

        Args:
            caller: who waits, whose requests are counted.

        Raises:
            Busy: too many requests wait, or too many machines are watched.
            VNCProxyError: it cannot be seen.
        """
        self._require_room(caller)
        self._of_callers[caller] += 1
        try:
            await self._allowed(vm)
            watch = self._watches.get(vm)
            if watch is None or watch.failure is not None:
                watch = await self._open_watch(vm)
            return await watch.wait(wanted)
        finally:
            self._of_callers[caller] -= 1
            if not self._of_callers[caller]:
                del self._of_callers[caller]

    def _require_room(self, caller: str) -> None:
        waiting = self._of_callers.total()
        if waiting >= MOST_WAITING or self._of_callers[caller] >= MOST_OF_ONE:
            raise Busy(f"{waiting} requests wait, {self._of_callers[caller]} of them of {caller}")

    async def _open_watch(self, vm: VMAddress) -> Watch:
        if joined := self._opening.join(vm):
            return await joined
        if len(self._watches) + len(self._opening.keys) >= MOST_WATCHED:
            raise Busy(f"{MOST_WATCHED} machines are watched")
        return await self._opening.make(vm, partial(self._begin, vm))

    async def _begin(self, vm: VMAddress) -> Watch:
        leg, server_init = await self._open_console(vm)
        try:
            camera = LiveCamera(leg, server_init, self._in_thread, self._clock)
            await Deferred.fromCoroutine(camera.begin()).addTimeout(
                OPENING_TIME, self._clock, _too_late
            )
            watch = Watch(camera, partial(self._allowed, vm), self._in_thread, self._clock)
        except BaseException:
            leg.close(ClientGone(), CLOSE_TIME)
            raise
        self._watches[vm] = watch
        end = watch.on_end = partial(self._end, vm, watch, leg)
        Deferred.fromCoroutine(watch.run())
        self._clock.callLater(LINGER, self._end_unused, watch, end)
        return watch

    def _end_unused(self, watch: Watch, end: Callable[[], object]) -> None:
        """End a watch that none has used for a while."""
        if watch.failure is not None:
            return
        if watch.waiting or self._clock.seconds() - watch.used_at < LINGER:
            self._clock.callLater(LINGER / 4, self._end_unused, watch, end)
        else:
            end()

    def _end(self, vm: VMAddress, watch: Watch, leg: Leg) -> None:
        """Close the connection of a watch, which nothing finds any more."""
        if self._watches.get(vm) is watch:
            del self._watches[vm]
        leg.close(ClientGone(), CLOSE_TIME)


def _too_late(result: Any, timeout: float) -> Any:
    raise Busy(f"no screen within {timeout:g} s")
