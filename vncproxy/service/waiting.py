"""What waits for screens, put together, where what decodes them is installed."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from ..blocking import BoundedCalls
from ..model import VMAddress
from ..screenshots.formats import ImageKind
from ..session.registry import SessionRegistry
from ..watching.wanted import Seen, Wanted
from .pictures import PictureThreads
from .taking import OfMachine, open_to_look, require_shared

if TYPE_CHECKING:
    from ..watching.waiting import Waiting

THREADS = 2


class LazyWaiting:
    """Waits for screens; what decodes them is imported for the first one."""

    def __init__(
        self, sessions: SessionRegistry, of_machine: OfMachine, calls: BoundedCalls, reactor: Any
    ) -> None:
        self._sessions = sessions
        self._of_machine = of_machine
        self._reactor = reactor
        self._in_thread = PictureThreads(calls.part("screens", THREADS))
        self._waiting: Waiting | None = None

    async def wait(self, vm: VMAddress, wanted: Wanted, caller: str) -> Seen:
        """Wait for a machine's screen, as `Waiting.wait` does."""
        if self._waiting is None:
            self._waiting = self._make()
        return await self._waiting.wait(vm, wanted, caller)

    def encode(self, picture: Any, kind: ImageKind) -> Deferred[bytes]:
        """Return a picture as an image."""
        from ..screenshots.images import encode_image

        return self._in_thread(encode_image, picture, kind)

    def _make(self) -> Waiting:
        from ..watching.waiting import Waiting

        return Waiting(
            partial(open_to_look, self._sessions),
            partial(require_shared, self._of_machine),
            self._in_thread,
            self._reactor,
        )


def make_waiting(
    sessions: SessionRegistry, of_machine: OfMachine, calls: BoundedCalls, reactor: Any
) -> LazyWaiting | None:
    """Return what waits for screens; None where numpy or Pillow is not installed.

    Args:
        of_machine: returns the sessions of a machine, in all processes.
    """
    if find_spec("numpy") is None or find_spec("PIL") is None:
        return None
    return LazyWaiting(sessions, of_machine, calls, reactor)
