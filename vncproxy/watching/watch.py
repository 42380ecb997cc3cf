"""One machine's screen, for all that wait for it: one connection to its console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..errors import UpstreamViolation, VNCProxyError
from ..screen import Picture
from ..screenshots.camera import InThread
from .live_camera import LiveCamera
from .stillness import Stillness
from .wanted import Seen, Wanted

LEAST_PAUSE: Final = 0.1
"""Seconds between two updates; longer where decoding one takes long."""

FRESH: Final = 1.0
"""Seconds without an update, after which a server is asked for a pixel before it is believed."""

ANSWER_TIME: Final = 5.0
"""Seconds within which it sends that."""

CHECKED: Final = 5.0
"""Seconds between two looks whether the machine may still be looked at."""


class Watch:
    """Watches a screen.

    Args:
        allowed: raises an error where the machine may not be looked at now.
        in_thread: calls a function in a thread.

    Attributes:
        waiting: how many wait.
        used_at: when the last one began or ended to wait.
        failure: why it has ended; None while it goes on.
        on_end: called when it ends, perhaps several times; its connection may still be open.
    """

    log = Logger()

    def __init__(
        self,
        camera: LiveCamera,
        allowed: Callable[[], Awaitable[None]],
        in_thread: InThread,
        clock: IReactorTime,
    ) -> None:
        self.waiting = 0
        self.used_at = clock.seconds()
        self.failure: VNCProxyError | None = None
        self.on_end: Callable[[], object] = int
        self._camera = camera
        self._allowed = allowed
        self._in_thread = in_thread
        self._clock = clock
        self._lock = DeferredLock()
        self._news: list[Deferred[None]] = []
        self._began = self._updated_at = self._allowed_at = clock.seconds()
        self._stillness = Stillness(camera.picture.pixels, self._began)

    async def run(self) -> None:
        """Follow the screen until the connection ends."""
        try:
            while self.failure is None:
                await self._camera.next_update()
                begun = self._clock.seconds()
                pixels = self._camera.picture.pixels
                await self._lock.run(self._in_thread, self._stillness.look, pixels, begun)
                self._updated_at = self._clock.seconds()
                self._tell()
                took = self._clock.seconds() - begun
                await deferLater(self._clock, max(LEAST_PAUSE, 2 * took))
        except VNCProxyError as e:
            self.end(e)
        except Exception:  # noqa: BLE001 those who wait would wait for ever
            self.log.failure("a screen cannot be watched")
            self.end(UpstreamViolation("a defect: see the traceback above"))

    def end(self, why: VNCProxyError) -> None:
        """Tell all that wait that there is nothing more to be seen."""
        self.failure = self.failure or why
        self._tell()
        self.on_end()

    async def wait(self, wanted: Wanted) -> Seen:
        """Wait until the screen is as wanted, or the time is over.

        Raises:
            VNCProxyError: it cannot be seen any more.
        """
        self.waiting += 1
        try:
            return await self._wait(wanted, self._clock.seconds() + wanted.timeout)
        finally:
            self.waiting -= 1
            self.used_at = self._clock.seconds()

    async def _wait(self, wanted: Wanted, end: float) -> Seen:
        looked_at = -1.0
        while True:
            await self._check()
            now = self._clock.seconds()
            changed_at = self._changed_at(wanted)
            is_due = now - changed_at >= wanted.stable_for and changed_at != looked_at
            if now < end and not is_due:
                due = changed_at + wanted.stable_for
                until = end if changed_at == looked_at else min(end, due)
                await self._news_or(min(until, now + CHECKED))
                continue
            if now < end and not await self._is_fresh(end):
                continue
            seen = await self._see(wanted)
            if seen.as_wanted or self._clock.seconds() >= end:
                return seen
            looked_at = changed_at

    async def _check(self) -> None:
        """Make sure that there is something to be seen, and that it may be."""
        if self._clock.seconds() - self._allowed_at >= CHECKED:
            self._allowed_at = self._clock.seconds()
            try:
                await self._allowed()
            except VNCProxyError as e:
                self.end(e)
        if self.failure is not None:
            raise self.failure

    async def _is_fresh(self, end: float) -> bool:
        """Return whether the last update is new; ask the server for a pixel where it is not.

        Raises:
            UpstreamViolation: it does not answer.
        """
        asked = self._clock.seconds()
        if asked - self._updated_at < FRESH:
            return True
        self._camera.ask_pixel()
        give_up = asked + ANSWER_TIME
        while self._updated_at < asked and self.failure is None:
            now = self._clock.seconds()
            if now >= min(end, give_up):
                break
            await self._news_or(min(end, give_up))
        if self._updated_at < asked and self._clock.seconds() >= give_up:
            self.end(UpstreamViolation(f"no answer in {ANSWER_TIME:g} s"))
        return False

    def _changed_at(self, wanted: Wanted) -> float:
        mask = self._stillness.mask(wanted.area, wanted.ignored)
        return self._stillness.changed_at(mask, self._began)

    async def _see(self, wanted: Wanted) -> Seen:
        seen: Seen = await self._lock.run(self._in_thread, self._look, wanted)
        return seen

    def _look(self, wanted: Wanted) -> Seen:
        """Return what is seen now; called in a thread, while nothing else changes it."""
        now, stillness = self._clock.seconds(), self._stillness
        mask = stillness.mask(wanted.area, wanted.ignored)
        still = now - stillness.changed_at(mask, self._began)
        digest = stillness.digest(mask, now)
        height, width = stillness.pixels.shape[:2]
        changed = digest != wanted.changed_from if wanted.changed_from else None
        picture = None
        if wanted.with_picture:
            picture = Picture(width, height)
            picture.pixels[:] = stillness.pixels
        return Seen(width, height, digest, still, still >= wanted.stable_for, changed, picture)

    def _tell(self) -> None:
        news, self._news = self._news, []
        for each in news:
            if not each.called:
                each.callback(None)

    async def _news_or(self, moment: float) -> None:
        """Wait for an update, or until a moment; returns at once where that is over."""
        news: Deferred[None] = Deferred()
        self._news.append(news)
        seconds = max(0.0, moment - self._clock.seconds())
        timer: IDelayedCall = self._clock.callLater(seconds, _fire, news)
        try:
            await news
        finally:
            if timer.active():
                timer.cancel()
            if news in self._news:
                self._news.remove(news)


def _fire(waiting: Deferred[None]) -> None:
    if not waiting.called:
        waiting.callback(None)
