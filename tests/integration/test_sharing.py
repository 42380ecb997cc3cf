"""Who may be at a machine together, through two proxies, to a real QEMU and a real Xtigervnc."""

from __future__ import annotations

import atexit
import shutil
import socket
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer
from tests.components.vnc_servers import Identity, QemuMachine, XServer

CONFIG = """
[proxy]
name = "{name}"
[tokens]
store = "redis"
[redis]
port = {redis}
timeout = 2
[limits]
one_session_per_user = true
[sharing]
show_users = {show_users}
[backends.here]
type = "static"
[backends.here.consoles]
qemu = {{ address = "127.0.0.1:{qemu}" }}
xtigervnc = {{ address = "127.0.0.1:{display}" }}
"""


class World:
    """A Redis, a QEMU, an Xtigervnc, and two proxies; one of them names users to each other."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="sharing-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        redis = RedisServer()
        atexit.register(redis.remove)
        redis.start()
        self.qemu = QemuMachine(folder, "qemu").start()
        atexit.register(self.qemu.stop)
        identity = Identity(folder / "pki", Authority(folder), "localhost")
        shares = "-AlwaysShared=0"
        self.display = XServer(folder, "None", identity, "unused", shares).start()
        atexit.register(self.display.stop)
        self.ports = {"qemu": self.qemu.port, "xtigervnc": self.display.port}
        self.open, self.silent = (
            Gateway(
                CONFIG.format(
                    name=name,
                    redis=redis.port,
                    qemu=self.qemu.port,
                    display=self.display.port,
                    show_users=show,
                )
            )
            for name, show in (("open", "true"), ("silent", "false"))
        )
        for gateway in (self.open, self.silent):
            atexit.register(gateway.stop)
            gateway.start()


@cache
def world() -> World:
    return World()


class SharingTests(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.addCleanup(self.end_all)

    def end_all(self) -> None:
        """End what a test has left, so that it keeps no machine from the next one."""
        for session in self.listed():
            world().open.call("DELETE", f"/v1/sessions/{session['id']}")
        self.until(lambda: not self.listed())

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = world().open.call("GET", "/v1/sessions")[1]["sessions"]
        return found

    def until(self, done: Any) -> None:
        give_up = time.monotonic() + 60
        while not done():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)

    def issue(self, user: str, machine: str = "qemu", **more: Any) -> Any:
        policy = {"policy": {"sharing": more.pop("sharing", "shared"), **more.pop("policy", {})}}
        return world().open.issue(f"here/{machine}", user=user, **policy, **more)

    def view(self, gateway: Gateway, user: str, **more: Any) -> Viewer:
        """Open a console by a new link with a TCP viewer."""
        link = self.issue(user, type="xvpvnc", **more)
        viewer = Viewer.connect(gateway.xvp_port, link["token"])
        self.addCleanup(viewer.close)
        return viewer

    def refused(self, gateway: Gateway, user: str, **more: Any) -> str:
        with self.assertRaises(Refused) as caught:
            self.view(gateway, user, **more)
        return str(caught.exception)

    def page(self, user: str, **more: Any) -> Page:
        page = Page()
        self.addCleanup(page.leave)
        self.addCleanup(self.end_all)
        page.open(str(self.issue(user, **more)["url"]))
        page.wait_for_state("connected")
        return page

    def test_the_page_keeps_an_exclusive_console_and_others_are_told_since_when(self) -> None:
        page = self.page("ann", sharing="exclusive")
        told = r"409 {} had this console open since \d\d:\d\d \(UTC\)\. Try again when"
        for gateway, who in ((world().open, "ann has"), (world().silent, "Somebody else has")):
            for sharing in ("shared", "exclusive"):
                sentence = self.refused(gateway, "bob", sharing=sharing)
                self.assertRegex(sentence, told.format(who))
        line = world().silent.audit_of("refuse", user="bob", reason="console-occupied")
        (session,) = self.listed()
        self.assertIn(f"session {session['id']} of user 'ann'", line["detail"])

        page.reload()  # F5 takes its own place
        page.wait_for_state("connected")
        self.refused(world().silent, "bob")
        page.leave()
        self.until(lambda: not self.listed())
        self.refused(world().silent, "bob")  # it is kept for a moment
        page.driver.back()
        page.wait_for_state("connected")

        self.end_all()  # nothing is kept for a session that an administrator has ended
        self.view(world().silent, "bob")

    def test_a_page_whose_console_is_taken_says_so_and_may_take_it_back(self) -> None:
        page = self.page("ann", sharing="take-over")
        viewer = self.view(world().silent, "bob", sharing="take-over")
        viewer.pixel()
        page.wait_for_state("ended")
        page.wait_for_reason("bob has taken this console over.")
        button = page.driver.find_element("id", "reconnect")
        self.assertEqual(button.text, "Take it back")
        line = world().open.audit_of("close", user="ann", reason="taken-over-for-now")
        self.assertRegex(line["detail"], r"^by session [0-9a-f]{16} of bob$")

        page.reload()  # what is no answer to that button takes nothing
        page.wait_for_reason("bob has had this console since")
        viewer.pixel()
        page.reconnect()
        page.wait_for_state("connected")
        viewer.wait_for_end()
        self.until(lambda: [each["user"] for each in self.listed()] == ["ann"])

    def test_a_page_whose_link_shares_is_told_and_has_no_way_to_take_it_back(self) -> None:
        page = self.page("ann")
        self.view(world().silent, "bob", sharing="take-over")
        page.wait_for_reason("bob has taken this console over.")
        self.assertEqual(page.driver.find_element("id", "reconnect").text, "Reconnect")
        page.reconnect()
        page.wait_for_reason("bob has had this console open since", "Try again when it is closed.")

    def test_a_user_has_one_session_the_newest(self) -> None:
        page = self.page("ann")
        self.view(world().silent, "bob")
        self.view(world().silent, "ann", machine="xtigervnc")
        page.wait_for_reason("You have opened another console")
        self.assertEqual(page.state(), "ended")
        self.until(lambda: sorted(each["user"] for each in self.listed()) == ["ann", "bob"])

    def test_a_server_disconnects_its_other_viewers_where_it_is_asked_to(self) -> None:
        for machine in ("qemu", "xtigervnc"):
            others = self.beside(machine)
            self.view(world().open, "ann", machine=machine, sharing="exclusive")
            others.pixel()  # exclusive among the proxies' users alone
            policy = {"exclusive_at_server": True}
            taking = self.view(
                world().open, "bob", machine=machine, sharing="take-over", policy=policy
            )
            taking.pixel()
            others.wait_for_end()
            self.end_all()

    def beside(self, machine: str) -> Viewer:
        """Return a viewer that is connected to a server without a proxy."""
        viewer = Viewer(socket.create_connection(("127.0.0.1", world().ports[machine]), 60))
        self.addCleanup(viewer.close)
        viewer.greet()
        return viewer
