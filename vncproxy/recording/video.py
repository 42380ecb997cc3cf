"""Recordings as videos, for players that know no RFB."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from PIL import Image

from ..screen import Picture
from .playing import frames
from .reading import RecordingReader

CODECS: Final = {".webm": "libvpx-vp9", ".mp4": "libx264"}
"""The codec of each suffix."""

_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "libvpx-vp9": {"crf": "32", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    "libx264": {"crf": "23", "preset": "veryfast"},
}
_INTERVAL: Final = 100_000
"""Microseconds between two frames, at least; where nothing changes there are none."""

_MILLISECOND: Final = Fraction(1, 1000)


def export_video(
    reader: RecordingReader, path: Path, on_frame: Callable[[float], object] = float
) -> int:
    """Write a recording as a video; returns the number of its frames.

    It has the size of the first screen; larger ones are made smaller.

    Args:
        path: with a suffix of `CODECS`.
        on_frame: called with the seconds of each frame.

    Raises:
        VNCProxyError: an event cannot be decoded.
        Damaged, CannotOpen: as `RecordingReader.events` does.
    """
    count = 0
    container: AbstractContextManager[Any] = av.open(str(path), "w")
    with container as output:
        stream: Any = None
        for moment, picture in frames(reader.events(), _INTERVAL):
            stream = stream or _stream(output, CODECS[path.suffix.lower()], picture)
            frame = av.VideoFrame.from_ndarray(_fitted(picture, stream.width, stream.height))
            frame.pts, frame.time_base = moment // 1000, _MILLISECOND
            _write(output, stream, frame)
            count += 1
            on_frame(moment / 1e6)
        if stream is not None:
            _write(output, stream, None)
    return count


def _stream(output: Any, codec: str, picture: Picture) -> Any:
    stream = output.add_stream(codec, options=_OPTIONS[codec])
    stream.width, stream.height = _even(picture.width), _even(picture.height)
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = _MILLISECOND
    return stream


def _even(size: int) -> int:
    return size + size % 2


def _fitted(picture: Picture, width: int, height: int) -> Any:
    """Return the pixels of a picture on black, made smaller where they do not fit."""
    pixels = picture.pixels
    scale = min(width / max(1, picture.width), height / max(1, picture.height))
    if scale < 1:
        image = Image.fromarray(pixels, "RGB")
        size = max(1, int(picture.width * scale)), max(1, int(picture.height * scale))
        pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: pixels.shape[0], : pixels.shape[1]] = pixels
    return canvas


def _write(output: Any, stream: Any, frame: Any) -> None:
    for packet in stream.encode(frame):
        output.mux(packet)
