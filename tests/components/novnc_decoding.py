"""noVNC's own decoders in Chromium, fed with a server's messages instead of a connection."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chromium import browser
from .novnc_pages import NoVNCPages

PAGE = """<!doctype html>
<meta charset="utf-8">
<div id="screen" style="width: 200px; height: 200px"></div>
<script type="module">
  import RFB from "./core/rfb.js";

  class Channel {
    constructor() {
      this.binaryType = "arraybuffer";
      this.readyState = "open";
      this.protocol = "";
      this.onerror = this.onmessage = this.onopen = this.onclose = null;
    }
    send() {}
    close() {}
    give(text) {
      const data = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
      this.onmessage({ data: data.buffer });
    }
  }

  const settled = async (rfb) => {
    await new Promise((resolve) => setTimeout(resolve));
    while (rfb._flushing || rfb._display.pending()) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  const shown = (rfb) => {
    const canvas = rfb._display._backbuffer;
    const { width, height } = canvas;
    const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    let text = "";
    for (let at = 0; at < pixels.length; at += 4096) {
      text += String.fromCharCode(...pixels.subarray(at, at + 4096));
    }
    const cursor = rfb._cursorImage;
    return { width, height, pixels: btoa(text), cursor: [...cursor.rgbaPixels], w: cursor.w,
             h: cursor.h, x: cursor.hotx, y: cursor.hoty, name: rfb._fbName };
  };

  window.play = async (greeting, messages) => {
    document.querySelector("#screen").replaceChildren();
    const channel = new Channel();
    const rfb = new RFB(document.querySelector("#screen"), channel);
    let broken = "";
    rfb.addEventListener("disconnect", () => { broken = "noVNC has disconnected"; });
    await new Promise((resolve) => setTimeout(resolve, 10));
    for (const each of greeting) {
      channel.give(each);
      await settled(rfb);
    }
    const found = [];
    for (const each of messages) {
      channel.give(each);
      await settled(rfb);
      if (broken) {
        throw new Error(broken);
      }
      found.push(shown(rfb));
    }
    rfb.disconnect();
    return found;
  };
  document.title = "ready";
</script>
"""


@dataclass(frozen=True)
class Shown:
    """What noVNC shows.

    Attributes:
        pixels: rows of red, green and blue.
        cursor: rows of red, green, blue and opacity.
        points: the pixel of the cursor that points.
    """

    pixels: NDArray[np.uint8]
    cursor: NDArray[np.uint8]
    points: tuple[int, int]
    name: str


class NoVNCDecoder:
    """One release of noVNC.

    Args:
        folder: for the files of the pages.
    """

    def __init__(self, folder: Path) -> None:
        self._pages = NoVNCPages(folder)
        self._folder = folder

    def play(self, release: str, messages: list[bytes]) -> list[Shown]:
        """Return what is shown after each piece of a server's stream, behind ServerInit."""
        driver = browser()
        page = self._folder / release / "play.html"
        if release == "1.3":
            page = self._folder / "1.3-play" / "play.html"
            if not page.exists():
                page.parent.mkdir()
                for name in ("core", "vendor"):
                    (page.parent / name).symlink_to((self._folder / "1.3").resolve() / name)
        page.write_text(PAGE)
        driver.get(f"{self._pages.origin}/{page.parent.name}/play.html")
        driver.set_script_timeout(60)
        found = driver.execute_async_script(
            """
            const [greeting, messages, done] = arguments;
            const play = () => window.play(JSON.parse(greeting), JSON.parse(messages));
            const go = () => document.title === "ready"
                ? play().then(done, (error) => done(String(error))) : setTimeout(go, 10);
            go();
            """,
            json.dumps(_texts(GREETING)),
            json.dumps(_texts(messages)),
        )
        if isinstance(found, str):
            raise AssertionError(f"noVNC {release}: {found}")
        return [_shown(each) for each in found]

    def stop(self) -> None:
        """Serve its pages no more."""
        self._pages.stop()


GREETING = [
    b"RFB 003.008\n",
    b"\1\1",
    bytes(4),
    struct.pack(">HHBBBBHHHBBB3xI", 1, 1, 32, 24, 0, 1, 255, 255, 255, 0, 8, 16, 1) + b"x",
]


def _texts(parts: list[bytes]) -> list[str]:
    return [base64.b64encode(part).decode() for part in parts]


def _shown(members: dict[str, Any]) -> Shown:
    data = np.frombuffer(base64.b64decode(members["pixels"]), np.uint8)
    pixels = data.reshape(members["height"], members["width"], 4)[:, :, :3]
    cursor = np.array(members["cursor"], np.uint8).reshape(members["h"], members["w"], 4)
    return Shown(pixels, cursor, (members["x"], members["y"]), members["name"])
