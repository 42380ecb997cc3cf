"""A recording in, its playable copy out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from ..recording.chunks import Damaged
from ..recording.events import Event
from ..recording.reading import RecordingReader
from .budget import Budget, check_lists, check_size
from .contents import CannotMake, Contents, told
from .cutting import Cutter
from .entries import Entry, Kind
from .idling import IdleTimes
from .recent import Recent
from .segments import SegmentWriter
from .translating import Translator
from .trouble import trouble_of


def make_copy(
    recording: BinaryIO,
    target: BinaryIO,
    on_progress: Callable[[int], object] = int,
    reader: RecordingReader | None = None,
    seconds: Callable[[], float] = time.process_time,
) -> Contents:
    """Write the playable copy of a recording; returns its table of contents.

    It ends before the first event that cannot be decoded.

    Args:
        recording: open at its beginning.
        on_progress: called with how many bytes were read, again and again.
        reader: of the recording, where it is sealed.
        seconds: the time of the processor.

    Raises:
        CannotMake: it is sealed, or no recording.
        OSError: it cannot be read, or the copy not be written.
    """
    reader = reader or RecordingReader(recording)
    maker = _Maker(reader, target, seconds)
    try:
        maker.make(on_progress)
    except OSError:
        raise
    except Exception as e:
        if reader.about is None:
            raise CannotMake(str(e)) from e
        maker.stop(trouble_of(e), is_intact=not isinstance(e, Damaged))
        maker.read = recording.seek(0, os.SEEK_END)
    if not reader.is_open:
        raise CannotMake("it is sealed")
    return maker.finish()


class _Maker:
    """Makes one copy.

    Attributes:
        trouble: why nothing more can be played; empty where all can.
        read: bytes of the recording that were read.
    """

    def __init__(
        self, reader: RecordingReader, target: BinaryIO, seconds: Callable[[], float]
    ) -> None:
        self.trouble = ""
        self.reader = reader
        self._target = target
        self._budget = Budget(seconds)
        self._translator = Translator(check_time=self._budget.check_time)
        self._segments = SegmentWriter(target)
        self._cutter = Cutter()
        self._idle = IdleTimes()
        self._sizes: list[tuple[int, int, int]] = []
        self._recent = Recent()
        self._last = self.read = 0
        self._is_intact = True

    def make(self, on_progress: Callable[[int], object]) -> None:
        """Write all segments."""
        for event in self._events(on_progress):
            self._budget.moment = event.moment
            self._check_costs()
            if self._cutter.is_due():
                self._begin_segment()
            was_there = self._translator.init is not None
            entries = self._translator.take(event)
            self._last = max(self._last, event.moment)
            if not was_there and self._translator.init is not None:
                self._begin_segment()
            self._note_size()
            if self._segments and entries:
                self._write(entries)

    def _events(self, on_progress: Callable[[int], object]) -> Iterator[Event]:
        for event in self.reader.events():
            yield event
            if read := self.reader.take_read():
                self.read += read
                on_progress(self.read)
        self.read += self.reader.take_read()

    def _check_costs(self) -> None:
        self._budget.check_time()
        check_size(self._segments.size, self.read)
        check_lists(self._segments.count, len(self._sizes), len(self._idle.found))

    def _write(self, entries: Sequence[Entry]) -> None:
        """Write the entries of an event."""
        data, translator = b"".join(entry.pack() for entry in entries), self._translator
        self._segments.add(data, entries[0].moment)
        self._cutter.add(len(data), translator.painted, translator.rectangles)
        for entry in entries:
            self._idle.add(entry, translator.painted)
            self._recent.add(entry)

    def _begin_segment(self) -> None:
        key_frame = Entry(Kind.KEY_FRAME, self._last, self._translator.key_frame())
        repeated = self._recent.at(self._last)
        data = b"".join(entry.pack() for entry in (key_frame, *repeated))
        width, height = self._translator.size
        self._cutter.begin(len(data), 0 if self._segments else width * height)
        self._segments.begin(data, self._last)

    def _note_size(self) -> None:
        width, height = self._translator.size
        if self._segments and (not self._sizes or self._sizes[-1][1:] != (width, height)):
            self._sizes.append((self._last, width, height))

    def stop(self, trouble: str, *, is_intact: bool) -> None:
        """Note why nothing more can be played, and verify what is left."""
        self.trouble, self._is_intact = trouble, is_intact
        try:
            self.reader.read_rest()
        except Damaged:
            self._is_intact = False

    def finish(self) -> Contents:
        """Write the table of contents, and return it."""
        reader, init, ending = self.reader, self._translator.init, self.reader.ending
        end = max(self._last, ending.moment if ending and not self.trouble else 0)
        if self._segments and not self.trouble:
            self._idle.end(end)
        assert reader.about is not None
        contents = Contents(
            session=reader.about.session,
            width=init.width if init else 0,
            height=init.height if init else 0,
            name=init.name if init else "",
            seconds=end / 1e6,
            ended=reader.is_ended,
            reason=ending.reason if ending else "",
            trouble=self.trouble,
            segments=self._segments.written(),
            idle=tuple(self._idle.found),
            sizes=tuple(self._sizes),
            recorded=self.read,
            hash=reader.hash if self._is_intact else "",
            about=told(reader.about),
        )
        self._target.write(contents.pack())
        return contents
