"""A recording of a real server's bytes, at moments that a test chooses: hours within seconds."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.components.decoding_viewer import RGB888, DecodingViewer
from vncproxy.recording.events import Event, Source
from vncproxy.recording.sealing import new_seal
from vncproxy.recording.writing import About, RecordingWriter

TIGHT, COPY_RECT, ZRLE = 7, 1, 16
EACH = 50
"""Events of a chunk."""

STARTED_AT = 1_767_323_045.0


class TimedRecording:
    """Records a viewer of its own.

    Args:
        port: of the server.
        encodings: what the viewer announces.

    Attributes:
        viewer: decodes what the server sends.
        seconds: the moment of what happens next.
        about: what the file says it is of.
    """

    def __init__(self, port: int, *encodings: int, keys: bool = True) -> None:
        self.viewer = DecodingViewer(port)
        self.viewer.resizes = True
        self.seconds = 0.0
        self.about = About(
            *("7f3a0001c44be902", "0" * 64, "kvm/web-01", "alice", "192.0.2.7", "novnc", "p1"),
            started_at=STARTED_AT,
            keys=keys,
        )
        self._events = [Event(Source.SERVER, 0, self.viewer.server_init)]
        self.viewer.use(RGB888, *(encodings or (TIGHT, COPY_RECT)))
        self.viewer.request()
        self.update()

    def update(self) -> None:
        """Receive the next update, and ask for another one."""
        self.viewer.update()
        self.viewer.request(incremental=True)
        self.note()

    def pointer(self, x: int, y: int, buttons: int = 0) -> None:
        """Move the pointer, or press its buttons."""
        self.viewer.send(struct.pack(">BBHH", 5, buttons, x, y))
        self.note()

    def key(self, keysym: int) -> None:
        """Press a key and release it."""
        for down in (1, 0):
            self.viewer.send(struct.pack(">BBxxI", 4, down, keysym))
        self.note()

    def resize(self, width: int, height: int) -> None:
        """Ask for a screen of another size."""
        self.viewer.send(
            struct.pack(">BxHHBxIHHHHI", 251, width, height, 1, 0, 0, 0, width, height, 0)
        )
        while self.viewer.size != (width, height):
            self.viewer.receive()
        self.viewer.request(incremental=True)
        self.note()

    def note(self) -> None:
        """Note what has happened since the last time, at the moment of now."""
        events, self.viewer.seen.events = self.viewer.seen.events, []
        for is_viewer, group in groupby(events, itemgetter(0)):
            source = Source.VIEWER if is_viewer else Source.SERVER
            data = b"".join(data for _, data in group)
            self._events.append(Event(source, round(self.seconds * 1e6), data))

    def take_events(self) -> list[Event]:
        """Return what was noted since the last call."""
        self.note()
        events, self._events = self._events, []
        return events

    def pixels(self) -> NDArray[np.uint8]:
        """Return what the viewer has decoded of ZRLE."""
        rows = b"".join(b"".join(row) for row in self.viewer.screen)
        width, height = self.viewer.size
        return np.frombuffer(rows, np.uint8).reshape(height, width, 3)[:, :, ::-1]

    def save(self, path: Path, reason: str | None = "client-gone", recipient: str = "") -> None:
        """Write the file; without a reason, one whose proxy was killed."""
        seal, about = None, self.about
        if recipient:
            seal, sealed_key = new_seal([recipient])
            about = replace(about, sealed_key=sealed_key)
        writer = RecordingWriter(about, seal)
        parts = [writer.begin()]
        events = self.take_events()
        parts += [writer.events(events[at : at + EACH]) for at in range(0, len(events), EACH)]
        if reason is not None:
            parts.append(writer.end(reason, round(self.seconds * 1e6)))
        path.write_bytes(b"".join(parts))
        self.viewer.close()
