"""Plays the segments of a copy by a decoder of its own, each alone."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import numpy as np

from vncproxy.recording.events import Event
from vncproxy.recording.playing import pictures_at
from vncproxy.recording.reading import RecordingReader
from vncproxy.recording.writing import About, RecordingWriter
from vncproxy.replay import Contents, Entry, Kind, unpack_entries
from vncproxy.replay.contents import read_contents, segment_of
from vncproxy.replay.making import make_copy
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.screen import Picture, ScreenDecoder
from vncproxy.screen.colours import Pixels

ABOUT = About("7f3a", "ab", "kvm/web-01", "zoë", "192.0.2.1", "novnc", "p1", 1800000000.5)
NOVNC = PixelFormat(red_shift=0, green_shift=8, blue_shift=16)


def recording_of(events: Sequence[Event], about: About = ABOUT) -> bytes:
    """Return the file of a session that ended at its last event."""
    writer = RecordingWriter(about)
    parts = [writer.begin(), *(writer.events([event]) for event in events)]
    return b"".join([*parts, writer.end("client-gone", events[-1].moment if events else 0)])


def copied(recording: bytes) -> tuple[Contents, bytes]:
    """Return the table of contents and the bytes of a recording's playable copy."""
    target = io.BytesIO()
    make_copy(io.BytesIO(recording), target)
    return read_contents(io.BytesIO(target.getvalue())), target.getvalue()


def entries_of(copy: bytes, number: int) -> list[Entry]:
    file = io.BytesIO(copy)
    return list(unpack_entries(segment_of(file, read_contents(file), number)))


def played(entries: Sequence[Entry]) -> Iterator[tuple[int, Pixels]]:
    """Yield the screen behind each moment, decoded from a key frame on."""
    decoder = ScreenDecoder(Picture(1, 1), NOVNC)
    for number, entry in enumerate(entries):
        if entry.kind in (Kind.SERVER, Kind.KEY_FRAME):
            decoder.receive(entry.data)
        is_last = number + 1 == len(entries) or entries[number + 1].moment > entry.moment
        if is_last:
            yield entry.moment, decoder.picture.pixels


def differences(recording: bytes, copy: bytes) -> list[str]:
    """Return where a segment, played alone, shows other pixels than the recording."""
    found = []
    for number in range(len(read_contents(io.BytesIO(copy)).segments)):
        entries = entries_of(copy, number)
        moments = sorted({entry.moment for entry in entries})
        events = RecordingReader(io.BytesIO(recording)).events()
        shown = played(entries)
        for moment, right in zip(moments, pictures_at(events, moments), strict=True):
            at, pixels = next(shown)
            assert right is not None and at == moment
            if not np.array_equal(pixels, right.pixels):
                found.append(f"segment {number} at {moment}")
    return found
