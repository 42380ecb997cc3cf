"""Users who type while the workers are replaced notice nothing: Chromium, a TCP viewer, QEMU."""

from __future__ import annotations

import os
import signal
import threading
import time
from itertools import cycle

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, Guest, private_libvirtd, until
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer
from tests.components.workers import processes

KEYS = ("1", "2", "4")
LONGEST_GAP = 5.0
"""Seconds from a key to the screen, on a busy machine; an interruption would last for ever."""

WATCH = """
    window.seen = [document.body.dataset.state];
    new MutationObserver(() => window.seen.push(document.body.dataset.state)).observe(
        document.body, {attributes: true, attributeFilter: ["data-state"]});
"""


class TypingViewer(threading.Thread):
    """Types without a pause, and waits for what each key shows."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(daemon=True)
        self.viewer = viewer
        self.keys = 0
        self.longest = 0.0
        self.failed: Exception | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        """Type until told to stop; called by the thread."""
        try:
            for key in cycle(KEYS):
                if self.stopped.is_set():
                    return
                begun = time.monotonic()
                self.viewer.key(ord(key))
                self.viewer.wait_for_pixel(KEY_COLOURS[key])
                self.longest = max(self.longest, time.monotonic() - begun)
                self.keys += 1
        except Exception as e:  # noqa: BLE001
            self.failed = e

    def finish(self) -> None:
        self.stopped.set()
        self.join()


class UpgradeTests(SynchronousTestCase):
    timeout = 180

    def setUp(self) -> None:
        self.redis = RedisServer().start()
        self.addCleanup(self.redis.remove)
        host = private_libvirtd()
        self.guests = [Guest(host, name).start() for name in ("typed", "viewed", "new")]
        self.gateway = Gateway(f"""
[proxy]
workers = 2
[tokens]
store = "redis"
[redis]
port = {self.redis.port}
[backends.kvm]
type = "libvirt"
uri = "{host.uri}"
""")
        self.addCleanup(self.gateway.stop)
        self.gateway.start()
        self.page = Page()
        self.addCleanup(self.page.leave)

    def test_no_user_notices_it(self) -> None:
        self.page.open(self.issue(0)["url"])
        self.page.wait_for_state("connected")
        self.page.driver.execute_script(WATCH)
        typing = self.start_typing()
        self.type(3)

        before = [process.pid for process in processes(self.gateway.pid)]
        os.kill(self.gateway.pid, signal.SIGUSR2)
        while "upgraded to" not in self.gateway.log():
            self.type(1)
        self.type(6)

        keys = typing.keys
        until(lambda: typing.keys > keys + 3 or typing.failed, "the viewer goes on")
        typing.finish()
        self.assertIsNone(typing.failed)
        self.assertLess(typing.longest, LONGEST_GAP)
        self.assertEqual(self.page.driver.execute_script("return window.seen"), ["connected"])
        self.assertEqual(self.gateway.audit("close"), [])
        self.check_new_sessions(before)

    def check_new_sessions(self, before: list[int]) -> None:
        """They are opened by the new workers, and the old ones end with their own."""
        self.page.driver.switch_to.new_window("tab")
        self.page.open(self.issue(2)["url"])
        self.page.wait_for_state("connected")
        opened = self.gateway.audit_of("open", vm=self.vm(2))
        line = next(
            line
            for line in self.gateway.log().splitlines()
            if opened["session"] in line and '"open"' in line
        )
        self.assertRegex(line, r"\[worker [12]\.2, ")
        self.page.driver.close()
        self.page.driver.switch_to.window(self.page.driver.window_handles[0])

        self.page.leave()
        self.viewer.close()
        until(lambda: {p.generation for p in processes(self.gateway.pid)} == {2}, "the old end")
        self.assertFalse({p.pid for p in processes(self.gateway.pid)} & set(before))

    def vm(self, guest: int) -> str:
        return f"kvm/{self.guests[guest].name}"

    def issue(self, guest: int, **more: str) -> dict[str, str]:
        return self.gateway.issue(self.vm(guest), **more)

    def type(self, times: int) -> None:
        """Type in the browser, and wait for what each key shows."""
        for _ in range(times):
            self.turn = getattr(self, "turn", 0) + 1
            key = KEYS[self.turn % len(KEYS)]
            self.page.driver.switch_to.active_element.send_keys(key)
            self.page.wait_for_pixel(*KEY_COLOURS[key])

    def start_typing(self) -> TypingViewer:
        self.page.type("1")
        self.page.wait_for_pixel(*KEY_COLOURS["1"])
        token = self.issue(1, type="xvpvnc")["token"]
        self.viewer = Viewer.connect(self.gateway.xvp_port, token)
        typing = TypingViewer(self.viewer)
        typing.start()
        return typing
