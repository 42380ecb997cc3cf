"""What a recording may cost: time of the processor, and bytes of its playable copy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from .trouble import TooExpensive

SPARE_TIME: Final = 600.0
"""Seconds of the processor that decoding may need beside those for which was recorded."""

LONGEST_TIME: Final = 86400.0
"""Seconds of them that count, whatever the moments of a file say."""

SPARE_SIZE: Final = 256 << 20
TIMES: Final = 8
"""A copy may have so many bytes, and so many times those of the recording."""

MOST_LISTED: Final = 200_000
"""Segments, changes of size and idle times of a table of contents, each."""


class Budget:
    """Stops what costs more than the recording explains; a security limit.

    Args:
        seconds: the time of the processor.

    Attributes:
        moment: of the last event, in microseconds.
    """

    def __init__(self, seconds: Callable[[], float] = time.process_time) -> None:
        self.moment = 0
        self._seconds = seconds
        self._started = seconds()

    def check_time(self) -> None:
        """Raise `TooExpensive` once more time was used than there is."""
        if self._seconds() - self._started > SPARE_TIME + min(self.moment / 1e6, LONGEST_TIME):
            raise TooExpensive("what the server sent takes too long to decode")


def check_size(written: int, read: int) -> None:
    """Raise `TooExpensive` where a copy is much larger than what was read of the recording."""
    if written > SPARE_SIZE + TIMES * read:
        text = f"the copy of {read >> 20} MiB would have more than {written >> 20} MiB"
        raise TooExpensive(text)


def check_lists(*lengths: int) -> None:
    """Raise `TooExpensive` where a table of contents would be longer than may be read."""
    if max(lengths) > MOST_LISTED:
        raise TooExpensive("the size of the screen, or whether it is idle, changes too often")
