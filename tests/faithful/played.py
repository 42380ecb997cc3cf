"""Whether the player shows what a recording's viewer has shown, in whatever order it is sought."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.components.libvirt_host import until
from tests.components.player_page import PlayCommand, PlayerPage

from .moments import load
from .painting import Pixels

_MOST_APART = 4
"""By how much two decoders of JPEG may round differently."""

_LONGEST_MAKING = 3600.0
"""Seconds until the copy that the player needs is made."""


@dataclass
class Played:
    """What the player showed.

    Attributes:
        equal: pictures with the same pixels.
        rounded: pictures in which some JPEG image was rounded otherwise.
        wrong: the others, in words.
        seconds: that each seek took, until its picture was drawn.
    """

    equal: int = 0
    rounded: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        slow = max(self.seconds, default=0)
        middle = float(np.median(self.seconds or [0]))
        return (
            f"the player shows {self.equal} equal, {self.rounded} rounded otherwise, "
            f"{len(self.wrong)} wrong; a seek takes {middle:.2f} s, and {slow:.2f} s at most"
        )

    def compare(self, found: Pixels, path: Path) -> None:
        """Compare what is shown with a picture."""
        right = load(path)
        if np.array_equal(found, right):
            self.equal += 1
        elif found.shape == right.shape and _apart(found, right) <= _MOST_APART:
            self.rounded += 1
        else:
            self.wrong.append(f"{path.name}: the player shows something else")


def play(recording: Path, pictures: Sequence[tuple[int, Path]]) -> Played:
    """Seek each picture in the player, in an order by chance."""
    played = Played()
    with _opened(recording) as page:
        for moment, path in random.Random(7).sample(pictures, len(pictures)):
            begun = time.monotonic()
            page.seek(moment / 1e6)
            played.seconds.append(time.monotonic() - begun)
            played.compare(page.picture(), path)
    return played


@contextmanager
def _opened(recording: Path) -> Iterator[PlayerPage]:
    command, page = PlayCommand(recording), PlayerPage()
    try:
        page.open(command.url)
        until(lambda: page.data("state") == "ready", "the playable copy", _LONGEST_MAKING)
        yield page
    finally:
        page.driver.get("about:blank")
        command.stop()


def _apart(found: Pixels, right: Pixels) -> int:
    return int(np.abs(found.astype(np.int16) - right).max())
