"""Consoles of a XenServer pool through ``twistd``: a simulated XAPI, real QEMU, real pictures."""

from __future__ import annotations

import time
from typing import Any

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.pictures import wait_for_colour
from tests.components.viewer import Viewer
from tests.components.xen_gateway import PASSWORD, XenTestCase, _table


class OwnMachineTests(XenTestCase):
    def test_a_member_on_loopback_is_dialled_only_where_that_is_written(self) -> None:
        self.look("unmapped/web-01").pixel()
        self.web.host = self.there
        told = self.refusal("unmapped/web-01")
        self.assertTrue(
            told.startswith("502 The console of the virtual machine cannot be reached from"), told
        )
        self.assertIn(f'"{self.there.address}" = "…"', self.detail())


class PictureTests(XenTestCase):
    """The right machine's picture, by each way."""

    def test_a_typed_key_changes_the_picture_of_its_machine_alone(self) -> None:
        web, db = self.look("xen/web-01"), self.look(f"xen/{self.db.uuid}")

        web.key(ord("1"))

        web.wait_for_pixel(KEY_COLOURS["1"])
        db.wait_for_pixel(START_COLOUR)
        self.assertEqual((web.name, db.name), ("web-01", "db-01"))

    def test_a_screenshot(self) -> None:
        viewer = self.look("xen/web-01")
        viewer.key(ord("4"))
        wait_for_colour(self.gateway, "xen/web-01", KEY_COLOURS["4"])
        wait_for_colour(self.gateway, f"old/{self.db.uuid}", START_COLOUR)

    def test_the_console_is_asked_for_with_a_cookie_and_the_location_as_it_is(self) -> None:
        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual(self.connects(), [("xen1", f"/console?uuid={self.db.consoles[0].uuid}")])

    def test_each_way_of_trust_and_each_member_leads_there(self) -> None:
        for backend in ("slave", "fallback", "pinned", "anything"):
            with self.subTest(backend=backend):
                self.look(f"{backend}/db-01").wait_for_pixel(START_COLOUR)

    def test_the_plain_form_by_way_of_a_slave(self) -> None:
        self.look("old/db-01").wait_for_pixel(START_COLOUR)

        ((host, target),) = self.connects()
        self.assertEqual(host, "xen1")
        self.assertIn(f"?ref={self.db.ref}&session_id=OpaqueRef:", target)

    def test_a_machine_on_another_host_than_the_master(self) -> None:
        self.pool.migrate(self.db, self.there)

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen2"])

    def test_a_location_without_a_host_means_the_one_where_the_machine_runs(self) -> None:
        self.pool.migrate(self.db, self.there)
        self.db.location = "https://:{port}/console?uuid={uuid}"

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen2"])

    def test_a_location_by_reference_as_after_a_masters_restart(self) -> None:
        self.db.location = "https://127.0.0.1:{port}/console?ref={ref}"

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

    def test_a_viewer_of_the_proxys_is_not_watched_for_idleness(self) -> None:
        self.pool.idle_limit = 1.0
        self.addCleanup(setattr, self.pool, "idle_limit", 0.0)
        viewer = self.look("xen/db-01")
        viewer.wait_for_pixel(START_COLOUR)

        time.sleep(2)

        self.assertEqual(viewer.pixel(), START_COLOUR)

    def test_one_session_serves_all_consoles(self) -> None:
        self.look("xen/web-01").pixel()
        before = self.pool.count("session.login_with_password")

        self.look("xen/db-01").pixel()

        self.assertEqual(self.pool.count("session.login_with_password"), before)


class BrowserTests(XenTestCase):
    """Chromium opens the access URL."""

    def test_a_machine_that_moved_is_typed_into(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        issued = self.gateway.issue("xen/web-01")
        self.secrets.append(issued["token"])
        self.pool.migrate(self.web, self.there)

        page.open(issued["url"])
        page.wait_for_state("connected")
        page.type("4")

        page.wait_for_pixel(*KEY_COLOURS["4"])
        self.assertIn("web-01", page.driver.title)


class ChangeTests(XenTestCase):
    """What changes between two requests for a console, or within one."""

    def test_a_machine_that_moved_after_its_token_was_issued(self) -> None:
        token = self.issue("xen/db-01")
        self.pool.migrate(self.db, self.there)

        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)

        viewer.wait_for_pixel(START_COLOUR)

    def test_a_machine_that_moves_while_it_is_looked_up(self) -> None:
        self._after("host.get_address", lambda: self.pool.migrate(self.db, self.there))

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen1", "xen2"])

    def test_a_console_record_that_still_names_the_old_host(self) -> None:
        self.db.location = "https://127.0.0.1:{port}/console?uuid={uuid}"
        self.db.host = self.there

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual([host for host, _ in self.connects()], ["xen1", "xen2"])

    def test_a_session_that_expired_between_two_consoles(self) -> None:
        self.look("xen/db-01").pixel()
        self.pool.expire()

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual(self.pool.count("session.login_with_password"), 1)

    def test_a_session_that_expires_between_look_up_and_connection(self) -> None:
        self._after("host.get_address", self.pool.expire)

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

        self.assertEqual(len(self.connects()), 2)

    def test_another_member_becomes_the_master(self) -> None:
        self.look("xen/db-01").pixel()
        self.pool.master = self.there

        self.look("xen/db-01").wait_for_pixel(START_COLOUR)

    def test_the_proxy_logs_out_when_it_stops(self) -> None:
        self.pool.expire()
        url = f"https://127.0.0.1:{self.pool.port}"
        trust = "tls = { verify = false }"
        gateway = Gateway(_table("xen", [url], PASSWORD, trust, {})).start()
        self.assertEqual(gateway.call("GET", "/v1/vms")[0], 200)
        self.assertEqual(len(self.pool.sessions), 1)

        gateway.stop()

        self.assertEqual(self.pool.sessions, {})

    def _after(self, method: str, change: Any) -> None:
        """Change something once, as soon as a method was answered."""

        def answered(name: str) -> None:
            if name == method:
                self.pool.answered = lambda _method: None
                change()

        self.pool.answered = answered
