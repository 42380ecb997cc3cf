"""Pictures of machines: put together, where what decodes screens is installed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..blocking import BoundedCalls
from ..errors import BackendError, Busy
from ..interfaces import IPortalStore
from ..model import VMAddress
from ..screenshots.formats import Image, ImageKind
from ..session.registry import SessionRegistry
from .one_at_a_time import OneAtATime
from .taking import TIME_LIMIT, FindRecording, OfMachine, PictureTaker, Ways

if TYPE_CHECKING:
    from ..screen import Picture
    from ..screenshots.album import Album

THREADS: Final = 2
"""For decoding, and as many for encoding."""


class LazyAlbum:
    """Pictures of machines; what decodes them is imported for the first one."""

    def __init__(self, make: Callable[[], Album]) -> None:
        self._make = make
        self._album: Album | None = None

    async def image(
        self, vm: VMAddress, kind: ImageKind, known: Collection[str] = frozenset(), hops: int = 0
    ) -> Image:
        """Return an image of a machine's screen, as `Album.image` does."""
        return await self._opened().image(vm, kind, known, hops)

    async def picture(self, vm: VMAddress, cursor: bool | None = None) -> Picture:
        """Return a picture of a machine's screen, as `Album.picture` does."""
        return await self._opened().picture(vm, cursor)

    def _opened(self) -> Album:
        if self._album is None:
            self._album = self._make()
        return self._album


def make_album(
    sessions: SessionRegistry,
    of_machine: OfMachine,
    ways: Ways,
    calls: BoundedCalls,
    reactor: Any,
    find_recording: FindRecording,
    store: IPortalStore,
) -> LazyAlbum | None:
    """Return what takes pictures of machines; None where numpy or Pillow is not installed.

    Args:
        of_machine: returns the sessions of a machine, in all processes.
        ways: knows other proxies that show machines.
        find_recording: returns the file of a session that is being recorded, by its id, or None.
        store: knows which process takes a picture of a machine.
    """
    if find_spec("numpy") is None or find_spec("PIL") is None:
        return None

    def make() -> Album:
        from ..screenshots.album import Album
        from ..screenshots.recorded import RecordedScreens

        decode = PictureThreads(calls.part("pictures", THREADS))
        encode = PictureThreads(calls.part("images", THREADS))
        turns = OneAtATime(store, reactor)
        screens = RecordedScreens(reactor)
        taker = PictureTaker(
            sessions, of_machine, ways, decode, reactor, screens, find_recording, turns
        )
        return Album(taker.take, encode, reactor)

    return LazyAlbum(make)


class PictureThreads:
    """Calls functions in threads; where they are occupied, that is no failure of a backend."""

    def __init__(self, threads: BoundedCalls) -> None:
        self._threads = threads

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Return what the function returns.

        Raises:
            Busy: no thread was free, or it took longer than `TIME_LIMIT`.
        """
        return self._threads.call(TIME_LIMIT, function, *args).addErrback(_as_busy)


def _as_busy(failure: Failure) -> None:
    failure.trap(BackendError)
    raise Busy(failure.getErrorMessage())
