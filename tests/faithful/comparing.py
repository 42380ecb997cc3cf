"""Whether a recording shows what its screen and its viewer have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vncproxy.recording.events import Event
from vncproxy.recording.playing import Playback
from vncproxy.recording.reading import RecordingReader

from .moments import Moment, load
from .painting import Pixels

BEFORE, AFTER = 10.0, 0.5
"""Seconds around a moment in which a viewer can have shown a picture of the recording."""


@dataclass
class Verdict:
    """What was found.

    Attributes:
        updates: how many are in the recording.
        seconds: its length.
        size: its bytes.
        moments: how many there were at rest.
        equal: moments at which it shows the pixels of the screen itself.
        shown: moments at which it shows those of its viewer, whatever was lost before.
        moving: moments of a changing screen at which it shows those of its viewer.
        pictures: microseconds, and the file of what recording and viewer show then.
        wrong: what is not as it was, in words.
    """

    updates: int = 0
    seconds: float = 0.0
    size: int = 0
    moments: int = 0
    equal: int = 0
    shown: int = 0
    moving: int = 0
    pictures: list[tuple[int, Path]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare(recording: Path, viewer: str, moments: Sequence[Moment]) -> Verdict:
    """Play a recording, and compare it at each moment."""
    verdict = Verdict(size=recording.stat().st_size)
    with recording.open("rb") as file:
        reader = RecordingReader(file)
        player = _Player(viewer, moments, verdict)
        for event in reader.events():
            assert reader.about is not None
            player.reach(reader.about.started_at + event.moment / 1e6)
            player.take(event)
        player.reach(float("inf"))
        if not reader.is_ended:
            verdict.wrong.append("the end is missing")
    verdict.seconds = player.moment / 1e6
    return verdict


class _Player:
    """A recording that is played up to each moment, one after the other."""

    def __init__(self, viewer: str, moments: Sequence[Moment], verdict: Verdict) -> None:
        self._viewer = viewer
        self._verdict = verdict
        self._playback = Playback()
        self.moment = 0
        self._still = [each for each in moments if each.screen is not None]
        self._moving = [_Search(each, viewer) for each in moments if each.screen is None]
        self._moving = [each for each in self._moving if each.is_possible]
        self._updates = 0

    def take(self, event: Event) -> None:
        """Go on by one event."""
        self._playback.take(event)
        self.moment = event.moment

    def reach(self, at: float) -> None:
        """Compare what was there before a moment of the recording."""
        while self._still and self._still[0].at < at:
            self._compare(self._still.pop(0))
        decoder = self._playback.decoder
        if decoder is not None:
            is_new = decoder.updates > self._updates
            self._verdict.updates = self._updates = decoder.updates
            for each in self._moving:
                if path := each.look(at, decoder.picture.pixels, is_new=is_new):
                    self._verdict.pictures.append((self.moment, path))
        while self._moving and self._moving[0].is_over(at):
            search = self._moving.pop(0)
            self._verdict.moving += search.is_found
            if not search.is_found:
                self._verdict.wrong.append(f"never what was shown: {search}")

    def _compare(self, moment: Moment) -> None:
        picture = self._playback.picture
        assert picture is not None
        assert moment.screen is not None
        difference = _difference(picture.pixels, load(moment.screen))
        self._verdict.moments += 1
        self._verdict.equal += not difference
        if self._viewer in moment.shown:
            path = moment.shown[self._viewer]
            difference = _difference(picture.pixels, load(path))
            if difference:
                self._verdict.wrong.append(f"{path.name}: {difference}")
            else:
                self._verdict.shown += 1
                self._verdict.pictures.append((self.moment, path))


class _Search:
    """Looks for a picture among those of a recording around a moment."""

    def __init__(self, moment: Moment, viewer: str) -> None:
        self._moment = moment
        self._path = moment.shown.get(viewer)
        self._wanted: Pixels | None = None
        self._looked_at = 0
        self.is_found = False

    @property
    def is_possible(self) -> bool:
        """Whether the viewer has shown anything."""
        return self._path is not None

    def look(self, at: float, pixels: Pixels, *, is_new: bool) -> Path | None:
        """Compare a picture that the recording shows until a moment; returns the one it is."""
        if self.is_found or at < self._moment.begun - BEFORE or self._path is None:
            return None
        if self._wanted is None:
            self._wanted = load(self._path)
        elif not is_new:
            return None
        self.is_found = np.array_equal(pixels, self._wanted)
        self._looked_at += 1
        return self._path if self.is_found else None

    def is_over(self, at: float) -> bool:
        """Whether it was found, or no later picture can be it."""
        return self.is_found or at > self._moment.at + AFTER

    def __str__(self) -> str:
        return f"{self._path and self._path.name}, in {self._looked_at} updates"


def _difference(found: Pixels, right: Pixels) -> str:
    """Return in words how two pictures differ; empty where they do not."""
    if found.shape != right.shape:
        return (
            f"{found.shape[1]} x {found.shape[0]} pixels, not {right.shape[1]} x {right.shape[0]}"
        )
    if np.array_equal(found, right):
        return ""
    unequal = np.abs(found.astype(np.int16) - right).max(axis=2)
    count, most = np.count_nonzero(unequal), unequal.max()
    rows, columns = np.nonzero(unequal)
    place = f"{columns.min()}..{columns.max()}, {rows.min()}..{rows.max()}"
    return f"{count} pixels differ, by {most} at most, in {place}"
