"""Compares recordings of real screens with what they showed: ``python -m tests.faithful``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from vncproxy.web.install import install

from .comparing import Verdict, compare
from .copied import wrong_in_copy
from .course import go_through
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
    parser.add_argument("--keep", type=Path, help="a folder for recordings and pictures")
    options = parser.parse_args()
    if "boot" in options.screens and not INSTALLER.exists():
        parser.error("what boots is not there: apt install debian-installer-12-netboot-amd64")
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
    finally:
        screen.stop()
    wrong = []
    for viewer, file in files.items():
        verdict = compare(file, viewer, album.moments)
        print(f"{name:8} {viewer:9} {_words(verdict)}", flush=True)
        verdict.wrong += wrong_in_copy(file, viewer, album.moments)
        wrong += [f"{name} {viewer} {each}" for each in verdict.wrong]
    if options.keep is None and not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return wrong


def _words(verdict: Verdict) -> str:
    hourly = verdict.size / max(verdict.seconds, 1) * 3600 / 1e6
    return (
        f"{verdict.seconds:.0f} s, {verdict.updates} updates, {verdict.size / 1e6:.1f} MB, "
        f"{hourly:,.0f} MB an hour; of {verdict.moments} moments equal to the screen at "
        f"{verdict.equal}, to its viewer at {verdict.shown} and {verdict.moving} more in motion"
    )


if __name__ == "__main__":
    main()
