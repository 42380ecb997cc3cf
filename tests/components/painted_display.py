"""A display of Xtigervnc whose pixels a test paints."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from .certificates import Authority
from .vnc_servers import Identity, XServer
from .x_painter import Painter


class PaintedDisplay:
    """A display without a password, until the process ends.

    Args:
        name: begins the name of its folder.
        size: its width and height in pixels.

    Attributes:
        folder: for its files, and for those of what is built around it.
    """

    def __init__(self, name: str, size: tuple[int, int]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        identity = Identity(self.folder / "pki", Authority(self.folder), "localhost")
        geometry = ("-geometry", f"{size[0]}x{size[1]}")
        self.display = XServer(self.folder, "None", identity, "unused", *geometry).start()
        atexit.register(self.display.stop)
        self.painter = Painter(self.display.display)
