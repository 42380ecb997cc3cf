"""A recording that is still being written: what it has as it comes."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..recording.being_written import is_being_written
from ..recording.reading import RecordingReader
from .budget import Budget
from .entries import Entry, Kind
from .translating import Translator
from .trouble import trouble_of

INTERVAL: Final = 0.2
"""Seconds between two looks at the file."""

TOLD: Final = 1.0
"""Seconds between two entries that say how far it was read."""

_REACHED = struct.Struct(">QQ")


def write_entries(path: Path, output: BinaryIO) -> None:
    """Write the entries of a recording, from its screen of now on.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        for entry in Follower(file, time.sleep, time.monotonic).entries():
            output.write(entry.pack())
            output.flush()


class Follower:
    """Reads a recording that grows.

    Args:
        sleep: waits for so many seconds.
        seconds: a clock that is never set.
        busy_seconds: the time of the processor.
    """

    def __init__(
        self,
        file: BinaryIO,
        sleep: Callable[[float], object],
        seconds: Callable[[], float],
        busy_seconds: Callable[[], float] = time.process_time,
    ) -> None:
        self._file = file
        self._sleep = sleep
        self._seconds = seconds
        self._reader = RecordingReader(file)
        self._budget = Budget(busy_seconds)
        self._translator = Translator(is_silent=True, check_time=self._budget.check_time)
        self._moment = self._read = 0
        self._told = seconds()
        self._has_begun = False

    def entries(self) -> Iterator[Entry]:
        """Yield what there is from now on, a key frame first, and the end.

        While what was written before is read, there are entries of the kind `Kind.REACHED` alone;
        later on they say that nothing has changed.
        """
        try:
            yield from self._follow()
        except OSError:
            raise
        except Exception as e:  # noqa: BLE001
            yield self._end(trouble=trouble_of(e))

    def _follow(self) -> Iterator[Entry]:
        while True:
            is_over = not is_being_written(self._file.fileno())
            yield from self._what_is_there()
            if self._reader.is_ended:
                ending = self._reader.ending
                yield self._end(reason=ending.reason if ending else "")
                return
            if is_over:
                yield self._end(trouble="it was cut off")
                return
            if not self._has_begun and self._translator.init is not None:
                self._has_begun = True
                self._translator.speak()
                yield Entry(Kind.KEY_FRAME, self._moment, self._translator.key_frame())
            yield from self._reached()
            self._sleep(INTERVAL)
            self._reader.read_again()

    def _what_is_there(self) -> Iterator[Entry]:
        """Yield what was written since the last time, once there was a key frame."""
        for event in self._reader.events():
            self._budget.moment = event.moment
            entries = self._translator.take(event)
            self._moment = max(self._moment, event.moment)
            yield from entries
            yield from self._reached()

    def _reached(self) -> Iterator[Entry]:
        if self._seconds() - self._told >= TOLD:
            self._told = self._seconds()
            self._read += self._reader.take_read()
            size = os.fstat(self._file.fileno()).st_size
            yield Entry(Kind.REACHED, self._moment, _REACHED.pack(self._read, size))

    def _end(self, **members: str) -> Entry:
        return Entry(Kind.END, self._moment, json.dumps(members).encode())
