"""Control taken from and given to live sessions, through two workers to a real QEMU.

The viewers are our page in Chromium and a TCP viewer; a recorder before QEMU has what arrives.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.recorder import Recorder
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer
from tests.components.vnc_servers import QemuMachine, typing_sector
from tests.doubles.viewer_messages import KEY, QEMU_KEY, cut_text
from tests.integration.test_restrictions import until_true

KEY_UP = bytes.fromhex("04 00 0000 00000041")
QEMU_KEY_UP = bytes.fromhex("ff 00 0000 00000061 0000001e")
VIEW_ONLY = "return document.body.hasAttribute('data-view-only')"
HOLD_A = """
    const canvas = document.querySelector("#screen canvas");
    canvas.focus();
    canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "a", code: "KeyA", bubbles: true }));
"""


class World:
    """A QEMU whose guest prints what is typed, a Redis, and a proxy of two workers."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="changing-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.qemu = QemuMachine(folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        self.redis = RedisServer().start()
        atexit.register(self.redis.remove)
        self.recorder = Recorder(self.qemu.port)
        self.gateway = Gateway(f"""
[proxy]
workers = 2
[tokens]
store = "redis"
[redis]
port = {self.redis.port}
[backends.here]
type = "static"
[backends.here.consoles]
qemu = {{ address = "127.0.0.1:{self.recorder.port}" }}
""").start()
        atexit.register(self.gateway.stop)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gateway.api_port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.gateway.key}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except HTTPError as e:
            return e.code, json.load(e)


@cache
def world() -> World:
    return World()


class ChangingTests(SynchronousTestCase):
    timeout = 300

    def sessions(self, user: str) -> list[Any]:
        found: list[Any] = world().call("GET", f"/v1/sessions?user={user}")[1]["sessions"]
        return found

    def session(self, user: str, but: str = "") -> Any:
        """Return the session of a user, which another worker knows a moment later."""
        found: list[Any] = []

        def is_there() -> bool:
            found[:] = self.sessions(user)
            return len(found) == 1 and found[0]["id"] != but

        until_true(is_there)
        return found[0]

    def change(self, user: str, mode: str) -> tuple[int, Any]:
        for _ in range(100):
            path = f"/v1/sessions/{self.session(user)['id']}"
            status, answer = world().call("PATCH", path, {"mode": mode})
            if status != 404:  # as one that the asked worker does not know yet
                break
            time.sleep(0.1)
        return status, answer

    def view(self, user: str, **policy: Any) -> Viewer:
        issued = world().gateway.issue("here/qemu", type="xvpvnc", user=user, policy=policy)
        viewer = Viewer.connect(world().gateway.xvp_port, str(issued["token"]))
        self.addCleanup(viewer.close)
        return viewer

    def test_keys_of_a_viewer_at_any_worker_stop_within_a_second_and_pass_again(self) -> None:
        """Of several viewers, each worker has some; calls reach them from either worker."""
        names = ("ann", "bob", "dan")
        before = len(world().recorder.recordings)
        for name in names:
            viewer = self.view(name, clipboard_limit=1000)
            viewer.pixel()
            recording = world().recorder.recordings[before]
            before += 1
            viewer.send(KEY + QEMU_KEY + cut_text(b"x" * 900)[:500])
            until_true(lambda seen=recording: QEMU_KEY in bytes(seen.to_server))

            began = time.monotonic()
            status, answer = self.change(name, "view-only")
            self.assertEqual((status, answer), (200, {"mode": "view-only", "reenters": False}))
            until_true(lambda seen=recording: QEMU_KEY_UP + KEY_UP in bytes(seen.to_server))
            self.assertLess(time.monotonic() - began, 20)
            viewer.send(b"x" * 408 + KEY)
            viewer.pixel()
            self.assertEqual(bytes(recording.to_server).count(KEY), 1, name)
            self.assertNotIn(b"xxx", bytes(recording.to_server))

            self.assertEqual(self.change(name, "control")[0], 200)
            viewer.send(KEY + KEY_UP)
            until_true(lambda seen=recording: bytes(seen.to_server).count(KEY) == 2)
            until_true(lambda user=name: self.session(user)["mode"] == "control")

        line = world().gateway.audit_of("change", count=2, user="dan")
        self.assertEqual((line["mode"], line["by"]), ("control", "key 'test'"))

    def test_a_viewer_that_is_not_parsed_keeps_its_mode(self) -> None:
        viewer = self.view("eve")
        viewer.pixel()

        status, answer = self.change("eve", "view-only")

        self.assertEqual((status, answer["error"]["code"]), (409, "mode-fixed"))
        self.assertIn("End it, and issue a link", answer["error"]["message"])

    def test_the_page_enters_again_and_then_follows_at_once(self) -> None:
        page, qemu = Page(), world().qemu
        self.addCleanup(page.leave)
        url = world().gateway.issue("here/qemu", user="fay")["url"]
        page.open(str(url))
        page.wait_for_state("connected")
        page.driver.execute_script(HOLD_A)
        first = self.session("fay")["id"]

        status, answer = self.change("fay", "view-only")

        self.assertEqual((status, answer), (200, {"mode": "view-only", "reenters": True}))
        self.session("fay", but=first)
        page.wait_for_state("connected")
        until_true(lambda: page.driver.execute_script(VIEW_ONLY))
        until_true(lambda: self.session("fay")["mode"] == "view-only")
        typed = qemu.typed()
        page.type("w")

        self.assertEqual(
            self.change("fay", "control"), (200, {"mode": "control", "reenters": False})
        )
        until_true(lambda: not page.driver.execute_script(VIEW_ONLY))
        page.type("c")
        until_true(lambda: "c" in qemu.typed()[len(typed) :])
        self.assertNotIn("w", qemu.typed()[len(typed) :])

        self.change("fay", "view-only")
        page.reload()
        page.wait_for_state("connected")
        until_true(lambda: page.driver.execute_script(VIEW_ONLY))

    def test_ten_changes_in_a_second_end_with_the_last_one(self) -> None:
        before = len(world().recorder.recordings)
        viewer = self.view("gil", clipboard_limit=1000)
        viewer.pixel()
        recording = world().recorder.recordings[before]
        for number in range(10):
            viewer.send(KEY)
            status, _ = self.change("gil", "view-only" if number % 2 == 0 else "control")
            self.assertEqual(status, 200)

        until_true(lambda: self.session("gil")["mode"] == "control")
        viewer.send(KEY + KEY_UP + QEMU_KEY)
        until_true(lambda: QEMU_KEY in bytes(recording.to_server))
        sent = bytes(recording.to_server)
        self.assertLess(sent.rindex(KEY), sent.rindex(KEY_UP))
        for held in sent.split(KEY_UP)[:-1]:
            self.assertIn(KEY, held, "a key was released that was not held")

    def test_one_that_ends_or_is_gone_is_not_found(self) -> None:
        self.view("hal", clipboard_limit=1000).close()
        path = "/v1/sessions/0123456789abcdef"
        self.assertEqual(world().call("PATCH", path, {"mode": "control"})[0], 404)
        until_true(lambda: self.sessions("hal") == [])
