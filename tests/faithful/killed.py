"""Whether recordings of proxies that were killed verify and play."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.components.libvirt_host import until
from vncproxy.recording.playing import Playback
from vncproxy.recording.reading import RecordingReader
from vncproxy.replay import contents, copy_of

from .copied import wrong_in_copy
from .gateway import RecordingGateway
from .screens import Screen
from .viewers import Viewer

LONGEST = 8.0
"""Seconds for which a proxy lives at most, once there is a recording."""

_MOST_LOST = 2.0
"""Seconds before the kill of which nothing may be in the file."""


def wrong_after_kills(
    folder: Path,
    screen: Screen,
    make: Callable[[RecordingGateway, Path], Viewer],
    count: int,
) -> list[str]:
    """Kill so many proxies while they record a changing screen, at moments by chance."""
    screen.go_on()
    return [
        f"kill {number}: {each}"
        for number in range(count)
        for each in _kill(Path(folder, f"kill-{make.__name__}-{number}"), screen, make)
    ]


def _kill(
    folder: Path, screen: Screen, make: Callable[[RecordingGateway, Path], Viewer]
) -> list[str]:
    folder.mkdir()
    gateway = RecordingGateway(folder, screen.port)
    try:
        viewer = make(gateway, folder)
        until(lambda: any(gateway.recordings.rglob("*.vncr")), "the recording")
        time.sleep(random.uniform(0, LONGEST))
        killed_at = time.time()
        gateway.running.kill()
        viewer.leave()
    finally:
        gateway.running.stop()
    (file,) = gateway.recordings.rglob("*.vncr")
    return _wrong_in(file, killed_at)


def _wrong_in(file: Path, killed_at: float) -> list[str]:
    """Verify what is there, play it to its end, and compare that with its playable copy."""
    playback, moment = Playback(), 0
    with file.open("rb") as opened:
        reader = RecordingReader(opened)
        for event in reader.events():
            playback.take(event)
            moment = event.moment
    assert reader.about is not None
    lost = killed_at - reader.about.started_at - moment / 1e6
    wrong = [f"the last {lost:.1f} s are missing"] if lost > _MOST_LOST else []
    if reader.is_ended or playback.picture is None:
        return [*wrong, "it has an end, or no picture"]
    path = file.with_suffix(".png")
    Image.fromarray(playback.picture.pixels).save(path)
    wrong += wrong_in_copy(file, [(moment, path)])
    trouble = contents(copy_of(file)).trouble
    return [*wrong, trouble] if trouble else wrong
