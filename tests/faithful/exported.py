"""Whether pictures and videos that are exported show what a recording's viewer has shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from .moments import load
from .painting import Pixels

PICTURES = 3
"""Pictures that are exported, of each recording."""

_MOST_APART = 8.0
"""The mean by which the pixels of a video differ at most: its codec loses some."""


def wrong_in_pictures(recording: Path, pictures: Sequence[tuple[int, Path]]) -> list[str]:
    """Export some of the pictures, and return which of them are not equal."""
    wrong = []
    for moment, path in pictures[:: max(1, len(pictures) // PICTURES)][:PICTURES]:
        output = recording.with_suffix(".png")
        _command("export", recording, output, "--at", f"{moment / 1e6:.6f}")
        if not np.array_equal(load(output), load(path)):
            wrong.append(f"{path.name}: the exported picture is another one")
    return wrong


def wrong_in_video(recording: Path, suffix: str, pictures: Sequence[tuple[int, Path]]) -> list[str]:
    """Export a video, and return which pictures of a screen at rest it does not show."""
    output = recording.with_suffix(suffix)
    _command("export", recording, output)
    wrong, coming = [], sorted(pictures)
    for moment, frame in _spans(output):
        while coming and coming[0][0] / 1e6 < moment:
            _, path = coming.pop(0)
            apart = _apart(frame, load(path))
            if apart > _MOST_APART:
                wrong.append(f"{path.name}: the video differs by {apart:.1f}")
    return wrong


def _apart(frame: Pixels, right: Pixels) -> float:
    """Return the mean difference; a screen of another size than the first one is not compared."""
    if frame.shape != right.shape:
        return 0.0
    return float(np.abs(frame.astype(np.int16) - right).mean())


def verify(recording: Path) -> None:
    """Let the command verify a recording; raises CalledProcessError where it does not."""
    _command("verify", recording)


def _command(name: str, recording: Path, *more: Any) -> None:
    program = "import sys; from vncproxy.cli import main; main(prog_name='vncproxy')"
    words = [sys.executable, "-c", program, "recording", name, str(recording), *map(str, more)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def _spans(video: Path) -> Iterator[tuple[float, Pixels]]:
    """Yield each frame with the moment until which it is shown, in seconds."""
    shown: Pixels | None = None
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            if shown is not None:
                yield frame.time, shown
            shown = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    if shown is not None:
        yield float("inf"), shown
