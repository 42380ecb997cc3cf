"""A display, a gateway that records what its users see of it, and those who watch that."""

from __future__ import annotations

import atexit
import hashlib
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.components.gateway import Gateway
from tests.components.painted_display import PaintedDisplay
from tests.replay.playing import NOVNC
from vncproxy.replay import Entry, Kind
from vncproxy.replay.entries import HEAD
from vncproxy.screen import Picture, ScreenDecoder

WIDTH, HEIGHT = 320, 200
REVIEWER, CLERK = "r" * 43, "c" * 43
"""API keys: of a reviewer, and of one without that right."""


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class World(PaintedDisplay):
    """A display, and a gateway in front of it that records into a directory."""

    def __init__(self) -> None:
        super().__init__("reviews", (WIDTH, HEIGHT))
        self.recordings = self.folder / "recordings"
        self.recordings.mkdir()
        self.gateway = Gateway(
            f"""
[recording]
directory = "{self.recordings}"
users = ["alice"]
reviewers = 1
[api.keys.reviewer]
hash = "sha256:{digest(REVIEWER)}"
scopes = ["review", "download"]
vms = ["here/display"]
[api.keys.clerk]
hash = "sha256:{digest(CLERK)}"
scopes = ["admin", "download", "keys", "shadow", "approve"]
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
other = {{ address = "127.0.0.1:{self.display.port}" }}
"""
        ).start()
        atexit.register(self.gateway.stop)

    def paint(self, seed: int) -> NDArray[np.uint8]:
        """Paint squares of random colours; returns them."""
        few = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3))
        squares = few.repeat(40, axis=0).repeat(40, axis=1).astype(np.uint8)
        pad = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
        self.painter.paint(0, 0, WIDTH, np.dstack((squares[:, :, ::-1], pad)).tobytes())
        return squares

    def api(
        self, method: str, path: str, body: object = None, key: str = REVIEWER
    ) -> tuple[int, Any]:
        """Ask the API; returns the status and the JSON, or the bytes of a file."""
        return self._ask(self.gateway.api_port, method, path, body, key)

    def get(self, session: str, path: str, token: str) -> tuple[int, Any]:
        """Ask for a part of a recording by a link."""
        return self._ask(self.gateway.web_port, "GET", f"/recordings/{session}{path}", None, token)

    def _ask(self, port: int, method: str, path: str, body: object, bearer: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {bearer}"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.getheader("Content-Type") == "application/json":
            return answer.status, json.loads(content)
        return answer.status, content

    def link(self, session: str, **more: Any) -> tuple[str, str]:
        """Make a link; returns its secret and its id."""
        body = {"user": "rita", **more}
        status, answer = self.api("POST", f"/v1/recordings/{session}/links", body)
        assert status == 201, answer
        return answer["url"].partition("?token=")[2], answer["id"]


@cache
def world() -> World:
    return World()


class Live:
    """A session that is followed."""

    def __init__(self, session: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", world().gateway.web_port, timeout=60
        )
        headers = {"Authorization": f"Bearer {token}"}
        self._connection.request("GET", f"/recordings/{session}/live", None, headers)
        self.answer = self._connection.getresponse()
        self.status = self.answer.status
        self.decoder = ScreenDecoder(Picture(1, 1), NOVNC)

    def entries(self) -> Iterator[Entry]:
        """Yield what comes, and keep the screen up to date."""
        while len(head := self.answer.read(HEAD.size)) == HEAD.size:
            kind, moment, size = HEAD.unpack(head)
            entry = Entry(Kind(kind), moment, self.answer.read(size))
            if entry.kind in (Kind.SERVER, Kind.KEY_FRAME):
                self.decoder.receive(entry.data)
            yield entry

    def until_shown(self, pixels: NDArray[np.uint8]) -> list[Entry]:
        """Read until the screen is this one."""
        seen = []
        give_up = time.monotonic() + 60
        for entry in self.entries():
            seen.append(entry)
            if np.array_equal(self.decoder.picture.pixels, pixels):
                return seen
            assert time.monotonic() < give_up, "another screen is shown"
        raise AssertionError(f"it ended: {seen[-1:]}")

    def close(self) -> None:
        self._connection.close()


def followers() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = process.read_bytes().split(b"\0")
            if b"--follow" in words and str(world().recordings).encode() in process.read_bytes():
                found.append(process.parent.name)
    return found
