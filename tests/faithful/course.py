"""One screen and its viewers, from the first moment to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .gateway import RecordingGateway
from .moments import Album
from .painting import Pixels
from .screens import Screen
from .viewers import Viewer

LONGEST = 60.0
"""Seconds in which viewers show a screen that does not change any more."""

QUIET = 3.0
"""Seconds without a change after which viewers show all that they were sent."""


def go_through(
    folder: Path,
    screen: Screen,
    makes: Sequence[Callable[[RecordingGateway, Path], Viewer]],
    seconds: float,
    every: float,
    quiet: float = QUIET,
) -> tuple[Album, dict[str, Path]]:
    """Record a screen from viewers; returns the moments, and the recordings by viewers' names.

    Args:
        every: seconds from one moment to the next.
        quiet: seconds without a change after which viewers show all that they were sent.
    """
    gateway = RecordingGateway(folder, screen.port)
    album, viewers = Album(folder / "moments"), list[Viewer]()
    try:
        for make in makes:
            viewers.append(make(gateway, folder))
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            screen.go_on()
            time.sleep(every)
            _look(screen, viewers, album, quiet)
        tokens = {viewer.name: viewer.token for viewer in viewers}
        while viewers:
            viewers.pop().leave()
        files = {name: gateway.recording_of(token) for name, token in tokens.items()}
        album.finish(files)
        return album, files
    finally:
        for viewer in viewers:
            viewer.leave()
        gateway.running.stop()


def _look(screen: Screen, viewers: Sequence[Viewer], album: Album, quiet: float) -> None:
    """Keep what viewers show while the screen changes, and what all show once it does not."""
    for viewer in viewers:
        if viewer.is_whole_in_motion:
            begun = time.time()
            album.keep(None, _shown([viewer], screen.shot()), begun)
    screen.hold()
    right, before = screen.shot(), dict[str, Pixels]()
    held = since = time.monotonic()
    while time.monotonic() < min(since + quiet, held + LONGEST):
        shown = _shown(viewers, right)
        if any(
            name not in before or not np.array_equal(each, before[name])
            for name, each in shown.items()
        ):
            before, since = shown, time.monotonic()
        time.sleep(0.5)
    if not np.array_equal(screen.shot(), right):
        raise RuntimeError("the screen changed although it was held")
    album.keep(right, before, time.time())


def _shown(viewers: Sequence[Viewer], screen: Pixels) -> dict[str, Pixels]:
    height, width = screen.shape[:2]
    found = {viewer.name: viewer.shown(width, height) for viewer in viewers}
    return {name: pixels for name, pixels in found.items() if pixels is not None}
