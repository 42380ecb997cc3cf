"""The viewers, with the encodings that they choose themselves."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.components.chromium import Page
from tests.components.x_viewers import Display, ViewerProgram

from .gateway import RecordingGateway
from .painting import Canvas, Pixels

_LARGEST = 3840, 2160

_CANVAS = """
    const canvas = document.querySelector("#screen canvas");
    return canvas && canvas.width ? canvas.toDataURL("image/png").split(",")[1] : "";
"""


class ChromiumViewer:
    """The console page.

    Attributes:
        name: of this kind.
        is_whole_in_motion: whether it shows whole updates only, at any time.
    """

    name = "Chromium"
    is_whole_in_motion = True

    def __init__(self, gateway: RecordingGateway, folder: Path) -> None:
        self._page = Page()
        self._driver: Any = self._page.driver
        self._driver.set_window_size(1280, 900)
        self.token = gateway.issue("here/screen", type="novnc")
        self._page.open(self.token["url"])
        self._page.wait_for_state("connected")

    def shown(self, width: int, height: int) -> Pixels | None:
        """Return what its canvas has now; None where it has nothing."""
        data = base64.b64decode(self._driver.execute_script(_CANVAS))
        if not data:
            return None
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))

    def leave(self) -> None:
        """Close it."""
        self._page.leave()


class TigerVNCViewer:
    """TigerVNC's own viewer, at the listener for native viewers, as large as the largest screen.

    Attributes:
        name: of this kind.
        is_whole_in_motion: whether it shows whole updates only, at any time.
    """

    name = "TigerVNC"
    is_whole_in_motion = False
    options: tuple[str, ...] = ()

    def __init__(self, gateway: RecordingGateway, folder: Path) -> None:
        self.token = gateway.issue("here/screen", type="xvpvnc")
        self._display = Display(folder / f"home-{self.name}", "{}x{}".format(*_LARGEST))
        entered = {"VNC_USERNAME": "alice", "VNC_PASSWORD": str(self.token["token"])}
        self._program = ViewerProgram(
            self._display,
            *("xtigervncviewer", f"-X509CA={gateway.ca_file}", "-ReconnectOnError=0"),
            *("-FullScreen=1", "-RemoteResize=0", *self.options, f"localhost::{gateway.rfb_port}"),
            environment=entered,
        )
        gateway.running.audit_of("open", token=self.token["token"])
        self._canvas = Canvas(self._display.number)

    def shown(self, width: int, height: int) -> Pixels | None:
        """Return what its window has now, where it shows a screen of this size."""
        left, top = (_LARGEST[0] - width) // 2, (_LARGEST[1] - height) // 2
        return self._canvas.read(*_LARGEST)[top : top + height, left : left + width]

    def leave(self) -> None:
        """Close it."""
        self._canvas.close()
        self._program.stop()
        self._display.stop()


class LosslessViewer(TigerVNCViewer):
    """The same without JPEG."""

    name = "TigerVNC without JPEG"
    options = ("-NoJPEG=1",)


Viewer = ChromiumViewer | TigerVNCViewer

VIEWERS: dict[str, Callable[[RecordingGateway, Path], Viewer]] = {
    "chromium": ChromiumViewer,
    "tigervnc": TigerVNCViewer,
    "lossless": LosslessViewer,
}
