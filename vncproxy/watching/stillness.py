"""Which parts of a screen have changed, and which only blink; without I/O.

The screen is looked at in squares of `TILE` pixels. A square blinks that goes back and forth
between two states: from its third change on, if each follows within `BLINK` seconds and few change
at the same time. Blinking is no change, and the digest is the same in both states.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..screen.colours import Pixels
from .wanted import Area

TILE: Final = 16
"""Pixels of a square's side."""

BLINK: Final = 2.5
"""Seconds within which a square that blinks changes again; cursors take 1.2 at most."""

RETURNS: Final = 2
"""Changes back to the state before, in a row, from which on a square blinks."""

MOST_BLINKING: Final = 24
"""Squares that may blink at the same time: a large cursor, or a line of text."""

Mask = NDArray[np.bool_]


class Stillness:
    """What is known of a screen's changes.

    Attributes:
        pixels: the screen as it was last looked at.
        version: how many times it has changed, blinking included.
    """

    def __init__(self, pixels: Pixels, now: float) -> None:
        self.version = 0
        self._begin(pixels, now)

    def _begin(self, pixels: Pixels, now: float) -> None:
        self.pixels = pixels.copy()
        self._before = self.pixels.copy()
        height, width = pixels.shape[:2]
        shape = -(-height // TILE), -(-width // TILE)
        self._changed_at: NDArray[Any] = np.full(shape, now)
        self._moved_at: NDArray[Any] = np.full(shape, now)
        self._returns: NDArray[Any] = np.zeros(shape, int)

    def look(self, pixels: Pixels, now: float) -> None:
        """Compare the screen with what it was."""
        if pixels.shape != self.pixels.shape:
            self._begin(pixels, now)
            self.version += 1
            return
        moved = _tiles_that_differ(pixels, self.pixels)
        if not moved.any():
            return
        self.version += 1
        back = moved & ~_tiles_that_differ(pixels, self._before)
        soon = now - self._moved_at <= BLINK
        self._returns[moved] = np.where(back & soon, self._returns + 1, 0)[moved]
        blinks = moved & (self._returns >= RETURNS)
        if blinks.sum() > MOST_BLINKING:
            blinks[:] = False
        self._changed_at[moved & ~blinks] = now
        self._moved_at[moved] = now
        where = self._in_pixels(moved)
        np.copyto(self._before, self.pixels, where=where)
        np.copyto(self.pixels, pixels, where=where)

    def mask(self, area: Area | None, ignored: Iterable[Area]) -> Mask:
        """Return the squares that an area touches, without those that ignored ones touch."""
        found = np.ones(self._changed_at.shape, bool)
        if area is not None:
            found[:] = False
            found[_tiles(area)] = True
        for each in ignored:
            found[_tiles(each)] = False
        return found

    def changed_at(self, mask: Mask, otherwise: float) -> float:
        """Return when the last change within a mask was; a time for a mask without squares."""
        times = self._changed_at[mask]
        return float(times.max()) if times.size else otherwise

    def digest(self, mask: Mask, now: float) -> str:
        """Return hexadecimal digits that are equal for equal pictures within equal masks."""
        blinking = mask & (self._returns >= RETURNS) & (now - self._moved_at <= BLINK)
        pixels = self.pixels
        if blinking.any() or not mask.all():
            pixels = pixels.copy()
            for row, column in zip(*np.nonzero(blinking), strict=True):
                tile = _tile(row, column)
                states = self.pixels[tile].tobytes(), self._before[tile].tobytes()
                if states[1] < states[0]:
                    pixels[tile] = self._before[tile]
            np.copyto(pixels, 0, where=self._in_pixels(~mask))
        digest = blake2b(f"{pixels.shape}".encode() + mask.tobytes(), digest_size=16)
        digest.update(np.ascontiguousarray(pixels).data)
        return digest.hexdigest()

    def _in_pixels(self, mask: Mask) -> Mask:
        """Return a mask of squares as one of pixels."""
        height, width = self.pixels.shape[:2]
        return mask.repeat(TILE, 0).repeat(TILE, 1)[:height, :width, np.newaxis]


def _tile(row: int, column: int) -> tuple[slice, slice]:
    return (
        slice(row * TILE, (row + 1) * TILE),
        slice(column * TILE, (column + 1) * TILE),
    )


def _tiles(area: Area) -> tuple[slice, slice]:
    return (
        slice(area.y // TILE, -(-(area.y + area.height) // TILE)),
        slice(area.x // TILE, -(-(area.x + area.width) // TILE)),
    )


def _tiles_that_differ(one: Pixels, other: Pixels) -> Mask:
    differs = (one != other).any(axis=2)
    rows, columns = (range(0, size, TILE) for size in differs.shape)
    by_row = np.logical_or.reduceat(differs, list(rows), axis=0)
    found: Mask = np.logical_or.reduceat(by_row, list(columns), axis=1)
    return found
