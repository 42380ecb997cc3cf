"""What a screen and its viewers showed at some moments, kept as files."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from .painting import Pixels

_INDEX = "moments.json"


@dataclass(frozen=True)
class Moment:
    """A moment.

    Attributes:
        at: seconds since 1970, after all was looked at.
        begun: the same before.
        screen: the file of what the screen itself showed; None while it was changing.
        shown: those of what viewers showed, by their names.
    """

    at: float
    begun: float
    screen: Path | None
    shown: dict[str, Path] = field(default_factory=dict)


class Album:
    """A folder of pictures."""

    def __init__(self, folder: Path) -> None:
        self.moments: list[Moment] = []
        self._folder = folder
        folder.mkdir()

    def keep(self, screen: Pixels | None, shown: dict[str, Pixels], begun: float) -> None:
        """Keep what was there from a moment until now."""
        at = time.time()
        number = len(self.moments)
        kept = {name: self._save(f"{number:03}-{name}", each) for name, each in shown.items()}
        file = None if screen is None else self._save(f"{number:03}-screen", screen)
        self.moments.append(Moment(at, begun, file, kept))

    def finish(self, recordings: Mapping[str, Path]) -> None:
        """Keep all moments, and the recordings by the names of their viewers, for `load_album`."""
        kept = {
            "recordings": {name: str(path) for name, path in recordings.items()},
            "moments": [
                {
                    "at": each.at,
                    "begun": each.begun,
                    "screen": each.screen and str(each.screen),
                    "shown": {name: str(path) for name, path in each.shown.items()},
                }
                for each in self.moments
            ],
        }
        (self._folder / _INDEX).write_text(json.dumps(kept))

    def _save(self, name: str, pixels: Pixels) -> Path:
        path = self._folder / f"{name}.png"
        Image.fromarray(pixels).save(path, compress_level=1)
        return path


def load(path: Path) -> Pixels:
    """Return a picture that was kept."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def load_album(folder: Path) -> tuple[list[Moment], dict[str, Path]]:
    """Return the moments and the recordings of an album that was finished."""
    kept = json.loads((folder / _INDEX).read_text())
    moments = [
        Moment(
            each["at"],
            each["begun"],
            Path(each["screen"]) if each["screen"] else None,
            {name: Path(path) for name, path in each["shown"].items()},
        )
        for each in kept["moments"]
    ]
    return moments, {name: Path(path) for name, path in kept["recordings"].items()}
