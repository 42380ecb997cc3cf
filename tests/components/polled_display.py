"""An X display of any depth, shown by x11vnc."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .displays import new_display
from .libvirt_host import until
from .ports import free_port
from .vnc_servers import end, listens


class PolledDisplay:
    """An Xvfb, and an x11vnc that shows it.

    Args:
        folder: where its log goes.
        screen: its size and depth, ``320x200x8``.
        words: further options of x11vnc.

    Attributes:
        display: its number as an X display.
        port: where x11vnc listens.
    """

    def __init__(self, folder: Path, screen: str, *words: str) -> None:
        self.display, self.port = new_display(), free_port()
        self._log = folder / f"x11vnc-{screen}.log"
        self._xvfb = ["Xvfb", f":{self.display}", "-screen", "0", screen, "-nolisten", "tcp"]
        self._x11vnc = ["x11vnc", "-display", f":{self.display}", "-rfbport", str(self.port)]
        self._x11vnc += ["-localhost", "-nopw", "-forever", "-shared", "-quiet", *words]
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> PolledDisplay:
        """Run both until x11vnc listens."""
        self._run(self._xvfb)
        until(Path(f"/tmp/.X11-unix/X{self.display}").exists, "Xvfb")
        self._run(self._x11vnc)
        until(lambda: listens(self.port), f"x11vnc: {self._log}")
        return self

    def stop(self) -> None:
        """End both."""
        while self._processes:
            end(self._processes.pop())

    def _run(self, command: list[str]) -> None:
        with self._log.open("ab") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))
