"""The time to the first picture: our page beside stock noVNC, which websockify serves.

    python -m bench.page [--stock FOLDER] [--runs 9] [--latency 40]

Both show one Xtigervnc of one colour in one Chromium, in turns and without its cache. The time
ends with the frame of the browser in which that colour is on the canvas.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.components.chromium import browser
from tests.components.gateway import Gateway
from tests.components.painted_display import PaintedDisplay
from tests.components.ports import free_port
from vncproxy.web.install import pinned_version

SOURCE = "https://github.com/novnc/noVNC"
TIME_LIMIT = 60.0
GOAL = 1.2
"""Most that ours may take, as a multiple of stock noVNC's time."""

NOTE_FIRST_PICTURE = """
    const look = () => {
        for (const canvas of document.querySelectorAll("canvas")) {
            const context = canvas.width > 64 && canvas.getContext("2d");
            const [red, green, blue] = context ? context.getImageData(5, 5, 1, 1).data : [];
            if (red === 255 && green === 0 && blue === 0) {
                window.firstPicture = performance.now();
                return;
            }
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""
LOADED = """
    const all = [...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource")];
    return [all.length, all.reduce((sum, each) => sum + each.transferSize, 0)];
"""


class Stock:
    """noVNC's own page, served by websockify.

    Attributes:
        url: its page, which connects by itself.
    """

    def __init__(self, folder: Path, target: int) -> None:
        port = free_port()
        program = str(Path(sys.executable).with_name("websockify"))
        command = [program, "--web", str(folder), f"127.0.0.1:{port}", f"127.0.0.1:{target}"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.url = f"http://127.0.0.1:{port}/vnc.html?autoconnect=1&resize=scale"
        _until_served(self.url)

    def stop(self) -> None:
        """End websockify."""
        self._process.terminate()
        self._process.wait()


def _until_served(url: str) -> None:
    limit = time.monotonic() + TIME_LIMIT
    while True:
        try:
            with urlopen(url):
                return
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def stock_folder(given: str | None) -> Path:
    """Return a checkout of noVNC at the version whose library our page has."""
    if given:
        return Path(given)
    folder = Path(tempfile.mkdtemp(prefix="bench-novnc-"))
    branch = f"v{pinned_version()}"
    command = ["git", "clone", "-q", "--depth", "1", "--branch", branch, SOURCE, str(folder)]
    subprocess.run(command, check=True)
    return folder


def first_picture(driver: Any, url: str) -> tuple[float, int, int]:
    """Open a page; returns milliseconds until its first picture, files loaded, and their bytes."""
    driver.get("about:blank")
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    driver.get(url)
    limit = time.monotonic() + TIME_LIMIT
    while (found := driver.execute_script("return window.firstPicture ?? null")) is None:
        if time.monotonic() > limit:
            raise TimeoutError(f"{url} shows no picture")
        time.sleep(0.02)
    files, size = driver.execute_script(LOADED)
    return float(found), files, size


def measure(stock: Path, runs: int, latency: float) -> dict[str, list[tuple[float, int, int]]]:
    """Return what each run of each page has found; the first run of each is left out."""
    display = PaintedDisplay("bench-page", (1024, 768))
    port = display.display.port
    consoles = '[backends.lab]\ntype = "static"\n[backends.lab.consoles]\n'
    gateway = Gateway(f'{consoles}display = {{ address = "127.0.0.1:{port}" }}\n').start()
    peer = Stock(stock, port)
    driver = browser()
    cdp = driver.execute_cdp_cmd
    cdp("Page.addScriptToEvaluateOnNewDocument", {"source": NOTE_FIRST_PICTURE})
    cdp("Network.enable", {})
    network = {"offline": False, "latency": latency, "downloadThroughput": -1}
    cdp("Network.emulateNetworkConditions", {**network, "uploadThroughput": -1})
    found: dict[str, list[tuple[float, int, int]]] = {"ours": [], "stock noVNC": []}
    try:
        for _ in range(runs + 1):
            link = gateway.issue("lab/display")["url"]
            found["ours"].append(first_picture(driver, link))
            found["stock noVNC"].append(first_picture(driver, peer.url))
    finally:
        driver.get("about:blank")
        gateway.stop()
        peer.stop()
    return {name: each[1:] for name, each in found.items()}


def main() -> int:
    """Measure, print a line for each page and their ratio; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--stock", help="a checkout of noVNC; default: it is cloned")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds of each request")
    arguments = parser.parse_args()
    found = measure(stock_folder(arguments.stock), arguments.runs, arguments.latency)
    medians = {}
    for name, runs in found.items():
        medians[name] = statistics.median(each[0] for each in runs)
        _, files, size = runs[-1]
        print(f"{name:12} {medians[name]:6.0f} ms {files:4} files {size / 1000:7.1f} kB")
    ratio = medians["ours"] / medians["stock noVNC"]
    print(f"ours / stock noVNC: {ratio:.2f} (goal: at most {GOAL})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
