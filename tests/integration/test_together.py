"""Several users at one machine: two proxies over a real Redis, before a real QEMU and Xtigervnc."""

from __future__ import annotations

import atexit
import hashlib
import secrets
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.redis_case import documented
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer
from tests.components.vnc_servers import RED, Identity, QemuMachine, XServer, typing_sector

CONFIG = """
[backends.here]
type = "static"
[backends.here.consoles]
qemu = {{ address = "127.0.0.1:{qemu}" }}
alone = {{ address = "127.0.0.1:{alone}", one_viewer = true }}
[tokens]
store = "redis"
[redis]
port = {redis}
username = "vncproxy"
password = "CHANGE-ME"
[timeouts]
linger = 2
[proxy]
name = "{name}"
stop_timeout = 1
[api.keys.watch]
hash = "sha256:{hash}"
scopes = ["shadow", "issue", "read"]
"""


class World:
    """A QEMU whose guest prints what is typed, an Xtigervnc for one viewer, and two proxies."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="together-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        identity = Identity(self.folder / "pki", Authority(self.folder), "localhost")
        alone = ("-AlwaysShared=0", "-NeverShared")
        self.display = XServer(self.folder, "None", identity, "unused", *alone).start()
        atexit.register(self.display.stop)
        acl = documented("", "user vncproxy on").splitlines()
        self.redis = RedisServer(acl=[*acl, "user default on nopass ~* &* +@all"]).start()
        atexit.register(self.redis.remove)
        self.key = secrets.token_urlsafe(32)
        self.north, self.south = self._proxy("north"), self._proxy("south")

    def _proxy(self, name: str) -> Gateway:
        gateway = Gateway(
            CONFIG.format(
                qemu=self.qemu.port,
                alone=self.display.port,
                redis=self.redis.port,
                name=name,
                hash=hashlib.sha256(self.key.encode()).hexdigest(),
            )
        ).start()
        atexit.register(gateway.stop)
        gateway.key = self.key
        return gateway


@cache
def world() -> World:
    return World()


class TogetherCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.north, self.south = world().north, world().south
        until(lambda: not self.sessions(), "sessions to end")

    def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.north.call("GET", "/v1/sessions")[1]["sessions"]
        return found

    def open(self, proxy: Gateway, token: str) -> Viewer:
        viewer = Viewer.connect(proxy.web_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def host(self, vm: str = "here/qemu", **policy: Any) -> tuple[str, Viewer]:
        """Open a console at the first proxy; returns its session's id."""
        issued = self.north.issue(vm, type="xvpvnc", policy=policy)
        viewer = self.open(self.north, issued["token"])
        found = until(
            lambda: [s for s in self.south.call("GET", "/v1/sessions")[1]["sessions"]
                     if s["token_id"] == issued["id"] and s["vm"]],
            "the session at the other proxy",
        )  # fmt: skip
        return found[0]["id"], viewer

    def shadow(self, session_id: str, **more: Any) -> dict[str, Any]:
        """Ask the second proxy for a link to a session."""
        body = {"user": "dora", "type": "xvpvnc", **more}
        status, answer = self.south.call("POST", f"/v1/sessions/{session_id}/shadow", body)
        self.assertEqual(status, 201, answer)
        link: dict[str, Any] = answer
        return link


class ShadowTests(TogetherCase):
    def test_it_sees_the_screen_at_another_proxy_and_ends_with_the_session(self) -> None:
        session, viewer = self.host()
        link, unused = self.shadow(session, announce=False), self.shadow(session)
        watching = self.open(self.south, link["token"])
        self.assertEqual(watching.pixel(), viewer.pixel())

        viewer.close()
        began = time.monotonic()
        watching.wait_for_end()

        self.assertLess(time.monotonic() - began, 10)
        close = self.south.audit_of("close", token=link["token"])
        self.assertEqual(close["reason"], "joined-session-ended")
        joins = {"session": session, "kind": "shadow", "by": "watch", "announced": False}
        self.assertEqual(close["joins"], joins)
        with self.assertRaises(Refused) as caught:
            self.open(self.south, unused["token"])
        self.assertTrue(str(caught.exception).startswith("401 "), caught.exception)
        joined = self.south.audit_of("join", session=session)
        self.assertEqual((joined["user"], joined["mode"]), ("dora", "view-only"))

    def test_a_console_of_one_viewer_is_not_taken_from_its_user(self) -> None:
        session, viewer = self.host("here/alone")
        viewer.wait_for_pixel(RED)

        status, answer = self.south.call("POST", f"/v1/sessions/{session}/shadow", {"user": "dora"})

        self.assertEqual((status, answer["error"]["code"]), (409, "cannot-join"))
        self.assertIn("one viewer at a time", answer["error"]["message"])
        self.assertEqual(viewer.pixel(), RED)
