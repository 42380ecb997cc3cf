"""Whether the playable copy of a recording shows what its viewer has shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vncproxy.replay import Kind, contents, copy_of, read_segment, unpack_entries
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.screen import Picture, ScreenDecoder

from .moments import load
from .painting import Pixels

_NOVNC = PixelFormat(red_shift=0, green_shift=8, blue_shift=16)


def wrong_in_copy(recording: Path, pictures: Sequence[tuple[int, Path]]) -> list[str]:
    """Make the playable copy, and return which pictures it does not show at their moments."""
    making = [sys.executable, "-m", "vncproxy.replay", str(recording)]
    subprocess.run(making, check=True, stdout=subprocess.DEVNULL)
    return [
        f"{path.name}: the playable copy shows something else"
        for moment, path in pictures
        if not np.array_equal(_picture_at(copy_of(recording), moment), load(path))
    ]


def _picture_at(copy: Path, at: int) -> Pixels:
    """Return what a player shows that begins with the key frame before a moment."""
    segments = contents(copy).segments
    number = max(index for index, each in enumerate(segments) if each.at <= at)
    decoder = ScreenDecoder(Picture(1, 1), _NOVNC)
    for entry in unpack_entries(read_segment(copy, number)):
        if entry.moment <= at and entry.kind in (Kind.SERVER, Kind.KEY_FRAME):
            decoder.receive(entry.data)
    return decoder.picture.pixels
