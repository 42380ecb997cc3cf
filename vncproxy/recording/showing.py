"""The process that shows sessions as they are now: ``python -m vncproxy.recording.showing``.

It decodes their recordings, which grow, so that the process of the sessions does not. Each line of
its standard input names a file, in JSON; the answer is a line of JSON, and the bytes of a picture.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..errors import VNCProxyError
from ..screen import Picture
from .chunks import Damaged
from .present import Present

NICENESS: Final = 10
MOST_MEMORY: Final = 3 << 30
"""Bytes of addresses; a security limit."""

MOST_OPEN: Final = 16
"""Recordings that are kept open."""

UNUSED: Final = 60.0
"""Seconds after which one is closed that was not asked for."""

TIME_LIMIT: Final = 2.0
"""Seconds for reading what was written before; the next request goes on from there."""

AWAITED: Final = 0.7
"""Seconds for which an answer waits until its viewer waits for an update."""

FRESH: Final = 1.5
"""Seconds since the last update for which the screen counts as that of now, in any case."""

_INTERVAL: Final = 0.1


class NotYet(Exception):
    """A recording was not read in time."""


@dataclass(slots=True)
class _Open:
    file: BinaryIO
    present: Present
    used_at: float = 0.0
    trouble: str = ""


class Shown:
    """The recordings that are open.

    Args:
        seconds: a clock that is never set.
        sleep: waits for so many seconds.
    """

    def __init__(self, seconds: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._seconds = seconds
        self._sleep = sleep
        self._open: dict[Path, _Open] = {}

    def show(self, path: Path, *, cursor: bool) -> tuple[dict[str, object], Picture | None]:
        """Return what is known of a session's screen, and the screen.

        Returns:
            A member ``why`` says why there is none; ``exact`` is as `Present` has it.
        """
        self._close_unused()
        try:
            return self._show(path, cursor)
        except NotYet:
            return {"why": "what was recorded before is not read yet"}, None
        except (Damaged, VNCProxyError, MemoryError, OSError, ValueError) as e:
            why = f"{type(e).__name__}: {e}"
            if path in self._open:  # it is not read again at each request
                self._open[path].trouble = why
            return {"why": why}, None

    def _show(self, path: Path, cursor: bool) -> tuple[dict[str, object], Picture | None]:
        found = self._opened(path)
        if found.trouble:
            return {"why": found.trouble}, None
        present, end = found.present, self._seconds() + TIME_LIMIT
        self._read_on(present, end)
        awaited = self._seconds() + AWAITED
        while not (_is_now(found) or present.is_over) and self._seconds() < awaited:
            self._sleep(_INTERVAL)
            self._read_on(present, end)
        if present.is_over or not _is_now(found):
            why = "it has ended" if present.is_over else "its viewer does not wait for an update"
            return {"why": why}, None
        return {"exact": present.is_exact}, present.picture(cursor=cursor)

    def _read_on(self, present: Present, end: float) -> None:
        def check_time() -> None:
            if self._seconds() > end:
                raise NotYet

        present.read_on(check_time)

    def _opened(self, path: Path) -> _Open:
        found = self._open.pop(path, None)
        if found is None:
            if len(self._open) >= MOST_OPEN:
                self._close(next(iter(self._open)))
            file = path.open("rb")
            found = _Open(file, Present(file))
        found.used_at = self._seconds()
        self._open[path] = found
        return found

    def _close_unused(self) -> None:
        now = self._seconds()
        for path, found in list(self._open.items()):
            if now - found.used_at > UNUSED:
                self._close(path)

    def _close(self, path: Path) -> None:
        if (found := self._open.pop(path, None)) is not None:
            found.file.close()


def _is_now(found: _Open) -> bool:
    """Tell whether a screen is that of the console now.

    A viewer that shows a film has an update more often than it waits for one.
    """
    written = time.time() - os.fstat(found.file.fileno()).st_mtime
    return found.present.is_current or max(written, found.present.since_update) < FRESH


def answer(shown: Shown, line: bytes, output: BinaryIO) -> None:
    """Answer one request."""
    asked: dict[str, Any] = json.loads(line)
    told, picture = shown.show(Path(asked["file"]), cursor=asked["cursor"])
    if picture is not None:
        told |= {"width": picture.width, "height": picture.height}
    output.write(json.dumps(told).encode() + b"\n")
    if picture is not None:
        output.write(picture.pixels.tobytes())
    output.flush()


def main() -> None:
    """Answer requests until there are no more."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    shown = Shown(time.monotonic, time.sleep)
    for line in sys.stdin.buffer:
        answer(shown, line, sys.stdout.buffer)


if __name__ == "__main__":
    main()
