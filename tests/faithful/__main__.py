"""Compares recordings of real screens with what they showed: ``python -m tests.faithful``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vncproxy.web.install import install

from .course import go_through
from .examining import examine
from .killed import wrong_after_kills
from .moments import Moment, load_album
from .screens import INSTALLER, BootScreen, Screen, XScreen
from .viewers import VIEWERS

SCREENS: dict[str, Callable[[Path], Screen]] = {
    "boot": BootScreen,
    "desktop": lambda folder: XScreen(folder, 1280, 800, (640, 360), 0.04),
    "4k": lambda folder: XScreen(folder, 3840, 2160, (0, 0), 0.5),
}


def main() -> None:
    """Record and compare; fails where a recording shows other pixels."""
    parser = argparse.ArgumentParser(prog="python -m tests.faithful", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=20, help="seconds between two moments")
    parser.add_argument("--screens", nargs="*", choices=SCREENS, default=list(SCREENS))
    parser.add_argument("--viewers", nargs="*", choices=VIEWERS, default=["chromium", "tigervnc"])
    parser.add_argument("--kills", type=int, default=5, help="of proxies, by each viewer")
    parser.add_argument("--again", type=Path, help="compare what is in this folder of moments")
    parser.add_argument("--keep", type=Path, help="a folder for recordings and pictures")
    options = parser.parse_args()
    if "boot" in options.screens and not INSTALLER.exists():
        parser.error("what boots is not there: apt install debian-installer-12-netboot-amd64")
    if options.again is not None:
        moments, files = load_album(options.again)
        wrong = _examine(options.again.parent.name, moments, files)
    else:
        install()
        wrong = [each for name in options.screens for each in _screen(name, options)]
    for each in wrong:
        print(f"WRONG {each}")
    sys.exit(bool(wrong))


def _screen(name: str, options: argparse.Namespace) -> list[str]:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=options.keep))
    screen = SCREENS[name](folder)
    makes = [VIEWERS[each] for each in options.viewers]
    try:
        album, files = go_through(folder, screen, makes, options.minutes * 60, options.every)
        wrong = [
            f"{name} {each}"
            for make in makes
            for each in wrong_after_kills(folder, screen, make, options.kills)
        ]
    finally:
        screen.stop()
    wrong += _examine(name, album.moments, files)
    if options.keep is None and not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return wrong


def _examine(name: str, moments: Sequence[Moment], files: Mapping[str, Path]) -> list[str]:
    return [
        f"{name} {viewer} {each}"
        for viewer, file in files.items()
        for each in examine(f"{name:8} {viewer:9}", file, viewer, moments)
    ]


if __name__ == "__main__":
    main()
