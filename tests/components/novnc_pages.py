"""noVNC served by a web server of its own: Debian's 1.3, whole, and a page over npm's 1.7."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from vncproxy.web import STATIC

DEBIANS = Path("/usr/share/novnc")

PAGE = """<!doctype html>
<meta charset="utf-8">
<div id="screen" style="width: 640px; height: 400px"></div>
<p id="status"></p>
<script type="module">
  import RFB from "./core/rfb.js";
  const query = new URLSearchParams(location.search);
  const path = query.get("path") ?? "websockify";
  const url = `ws://${query.get("host")}:${query.get("port")}/${path}`;
  const rfb = new RFB(document.querySelector("#screen"), url);
  rfb.addEventListener("securityfailure", (event) => {
    document.querySelector("#status").textContent = event.detail.reason;
  });
</script>
"""
"""A page over the library, whose npm package has none, with the parameters of noVNC's own."""


class NoVNCPages:
    """Serves ``/1.3/`` and ``/1.7/`` on a free port of 127.0.0.1.

    Attributes:
        origin: of its pages.
    """

    def __init__(self, folder: Path) -> None:
        if not DEBIANS.exists():
            raise FileNotFoundError(f"{DEBIANS}: make test installs Debian's novnc")
        (folder / "1.7").mkdir(parents=True)
        (folder / "1.3").symlink_to(DEBIANS)
        for name in ("core", "vendor"):
            (folder / "1.7" / name).symlink_to(STATIC / "novnc" / name)
        (folder / "1.7" / "vnc_lite.html").write_text(PAGE)
        handler = partial(_Handler, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Log nothing."""
