"""The player in headless Chromium, and the command that serves it."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.components.chromium import browser

TIME_LIMIT = 60.0

PICTURE = """
    const canvas = document.querySelector("#screen canvas");
    return canvas.toDataURL("image/png").split(",")[1];
"""


class PlayCommand:
    """``vncproxy recording play``, which runs until it is stopped.

    Attributes:
        url: the link that it has printed.
    """

    def __init__(self, file: Path, *more: str) -> None:
        program = "import sys; from vncproxy.cli import main; main(prog_name='vncproxy')"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, "recording", "play", str(file), *more],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def stop(self) -> int:
        """End it as Ctrl-C does; returns its exit status."""
        self._process.send_signal(2)
        status = self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status


class PlayerPage:
    """The page in the shared browser."""

    def __init__(self) -> None:
        self.driver = browser()
        self.driver.set_window_size(1100, 800)

    def open(self, url: str) -> None:
        """Open a link to a recording."""
        self.driver.get("about:blank")
        self.driver.get(url)

    def js(self, script: str, *args: Any) -> Any:
        return self.driver.execute_script(script, *args)

    def data(self, name: str) -> str | None:
        """Return a data attribute of the body."""
        value = self.js("return document.body.dataset[arguments[0]] ?? null", name)
        return None if value is None else str(value)

    def text(self, name: str) -> str:
        """Return the text of the element with this id."""
        return str(self.js("return document.getElementById(arguments[0]).innerText.trim()", name))

    def wait_for(self, what: str, is_there: Callable[[], object]) -> None:
        """Wait until something is true."""
        limit = time.monotonic() + TIME_LIMIT
        while not is_there():
            if time.monotonic() > limit:
                raise AssertionError(f"{what}: {self.describe()}")
            time.sleep(0.03)

    def wait_for_state(self, state: str) -> None:
        """Wait for a state: opening, making, ready, live or failed."""
        self.wait_for(state, lambda: self.data("state") == state)

    def wait_for_moment(self, seconds: float) -> None:
        """Wait until the picture of a moment is drawn."""
        wanted = str(round(seconds * 1e6))
        self.wait_for(f"moment {wanted}", lambda: self.data("moment") == wanted)

    def seek(self, seconds: float) -> None:
        """Type a moment, and wait until its picture is drawn."""
        self.js(
            """
            const field = document.querySelector("#moment");
            field.focus();
            field.value = arguments[0];
            document.querySelector("#moment-form").requestSubmit();
            """,
            f"{seconds:.6f}",
        )
        self.wait_for_moment(seconds)

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def picture(self) -> NDArray[np.uint8]:
        """Return the pixels that are shown."""
        data = base64.b64decode(self.js(PICTURE))
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def describe(self) -> str:
        """Return what is there, for a failure."""
        data = self.js("return JSON.stringify(document.body.dataset)")
        log = "\n".join(entry["message"] for entry in self.driver.get_log("browser"))
        return f"{data}\n{self.text('overlay')}\n{self.text('notices')}\n{log}"
