"""A machine is moved between two hosts while it runs, and its console is found where it is.

Needs root: each host is a set of namespaces with a libvirtd of its own.
"""

from __future__ import annotations

import atexit
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, Guest, until
from tests.components.two_hosts import NetworkedHost, migrate, two_hosts
from tests.components.viewer import Refused, Viewer

EVERYWHERE = "<graphics type='vnc' autoport='yes' listen='0.0.0.0'/>"
PASSWORD = "s3cret-p"
COMES_BACK_LIMIT = 60.0

WORDS = re.compile(
    r"The virtual machine is (being migrated|starting|moved to another host)\.$"
    r"|The hypervisor (could not be reached|closed the connection to the console)\. Ask "
)

REMEMBER_REASONS = """
    window.told = [];
    const reason = document.querySelector("#reason");
    new MutationObserver(() => window.told.push(reason.textContent))
        .observe(reason, {childList: true, characterData: true, subtree: true});
"""


class World:
    """Two hosts, a proxy whose only backend has both, and a guest."""

    def __init__(self) -> None:
        self.hosts = two_hosts()
        uris = [host.uri for host in (self.hosts.first, self.hosts.second)]
        self.gateway = Gateway(f'[backends.kvm]\ntype = "libvirt"\nuris = {uris}\n').start()
        atexit.register(self.gateway.stop)
        self.guest = Guest(self.hosts.first, "mover", EVERYWHERE, PASSWORD).start()


world = cache(World)


class MigrationCase(SynchronousTestCase):
    """The guest, on whichever host the last test has left it."""

    timeout = 120

    def setUp(self) -> None:
        shared = world()
        self.hosts, self.gateway, self.guest = shared.hosts, shared.gateway, shared.guest
        self.vm = f"kvm/{self.guest.uuid}"

    def tearDown(self) -> None:
        log = self.gateway.log()
        self.assertNotIn("Traceback", log)
        self.assertNotIn(PASSWORD, log)

    def other_host(self) -> NetworkedHost:
        first, second = self.hosts.first, self.hosts.second
        return second if self.guest.host is first else first

    def viewer(self) -> Viewer:
        issued = self.gateway.issue(self.vm, type="xvpvnc")
        self.token_id = issued["id"]
        viewer = Viewer.connect(self.gateway.web_port, issued["token"])
        self.addCleanup(viewer.close)
        return viewer

    def show(self, key: str) -> None:
        """Let the guest's screen take the colour of a key."""
        viewer = self.viewer()
        viewer.key(ord(key))
        viewer.wait_for_pixel(KEY_COLOURS[key])
        viewer.close()

    def moving(self) -> Future[None]:
        """Begin to move the guest to the other host, in a thread."""
        mover = ThreadPoolExecutor(1)
        self.addCleanup(mover.shutdown)
        return mover.submit(migrate, self.guest, self.other_host())


class ViewerTests(MigrationCase):
    def test_a_new_connection_reaches_the_machine_where_it_is(self) -> None:
        self.show("1")

        migrate(self.guest, self.other_host())

        self.viewer().wait_for_pixel(KEY_COLOURS["1"])
        migrate(self.guest, self.other_host())
        self.viewer().wait_for_pixel(KEY_COLOURS["1"])

    def test_by_its_name_too(self) -> None:
        self.vm = f"kvm/{self.guest.name}"
        self.show("4")

        migrate(self.guest, self.other_host())

        self.viewer().wait_for_pixel(KEY_COLOURS["4"])

    def test_it_is_listed_once_and_running_although_both_hosts_know_it(self) -> None:
        migrate(self.guest, self.other_host())

        _, answer = self.gateway.call("GET", "/v1/vms")

        states = [each["state"] for each in answer["vms"] if each["vm"] == self.vm]
        self.assertEqual(states, ["running"])

    def test_while_it_moves_a_viewer_sees_it_or_is_told_why_not(self) -> None:
        self.show("2")
        moving = self.moving()
        seen = 0

        while not moving.done():
            try:
                seen += self.glance() == KEY_COLOURS["2"]
            except Refused as e:
                self.assertRegex(str(e), WORDS)
            except (EOFError, ConnectionError):
                # let in at the very moment when the screen went to the other host
                until(self.ended_by_the_console, "the reason in the audit log")

        moving.result()
        self.assertGreater(seen, 0)
        self.assertEqual(self.glance(), KEY_COLOURS["2"])

    def glance(self) -> tuple[int, int, int]:
        """Connect, request one pixel, and leave."""
        viewer = self.viewer()
        try:
            return viewer.pixel()
        finally:
            viewer.close()

    def ended_by_the_console(self) -> bool:
        """Return whether the audit log has the last viewer's end, which must be the console's."""
        ends = [
            line
            for line in self.gateway.audit()
            if line["token"] == self.token_id[:12] and line["event"] in ("close", "refuse")
        ]
        self.assertNotIn("client-gone", [line["reason"] for line in ends])
        return bool(ends)


class BrowserTests(MigrationCase):
    def test_the_page_comes_back_by_itself_and_says_what_happened(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.gateway.issue(self.vm)["url"])
        page.wait_for_state("connected")
        page.type("1")
        page.wait_for_pixel(*KEY_COLOURS["1"])
        page.driver.execute_script(REMEMBER_REASONS)

        migrate(self.guest, self.other_host())

        give_up = time.monotonic() + COMES_BACK_LIMIT
        while not (told := page.driver.execute_script("return window.told")):
            self.assertLess(time.monotonic(), give_up, "the page has noticed nothing")
            time.sleep(0.05)
        page.wait_for_state("connected")
        page.wait_for_pixel(*KEY_COLOURS["1"])
        self.assertIn("The virtual machine moved to another host.", " ".join(told))
        page.type("4")
        page.wait_for_pixel(*KEY_COLOURS["4"])
