"""The main job: a real guest's console in a browser and in a TCP viewer, through ``twistd``.

A QEMU guest with a VNC password, managed by libvirt; tokens in Redis; the HTTP API as issuer.
"""

from __future__ import annotations

import atexit
import ssl
from functools import cache
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR, Guest, private_libvirtd, until
from tests.components.ports import free_port
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer, tunnel

PASSWORD = "s3cret-p"
REFUSED_TOKEN = "This console link is not valid any more. Ask for a new one."


class World:
    """Redis, libvirt with one guest, and a proxy, for all tests of this process."""

    def __init__(self) -> None:
        self.host = private_libvirtd()
        self.redis = RedisServer().start()
        atexit.register(self.redis.remove)
        self.guest = Guest(self.host, "k1", password=PASSWORD).start()
        self.vm = f"kvm/{self.guest.name}"
        # never restarted, so that its port stays the configured one
        self.steady = Guest(self.host, "k2", password=PASSWORD).start()
        authority = Authority(self.redis.folder)
        certificate, key = authority.issue("localhost")
        self.trust = ssl.create_default_context(cafile=authority.ca_file)
        self.gateway = Gateway(
            self._config(),
            xvp=f"ssl:{{port}}:interface=127.0.0.1:privateKey={key}:certKey={certificate}",
        ).start()
        atexit.register(self.gateway.stop)

    def _config(self) -> str:
        port = self.steady.graphics()["port"]
        return f"""
[tokens]
store = "redis"
[redis]
port = {self.redis.port}
[timeouts]
connect = 2
linger = 2
[backends.kvm]
type = "libvirt"
uri = "{self.host.uri}"
[backends.lab]
type = "static"
[backends.lab.consoles]
wrong = {{ address = "127.0.0.1:{port}", password = "notright" }}
away = {{ address = "127.0.0.1:{free_port()}" }}
"""


world = cache(World)


class MainJob(SynchronousTestCase):
    """What all tests here share."""

    timeout = 120

    def tearDown(self) -> None:
        """Whatever happened, no secret may stand in a log."""
        log = self.gateway.log()
        for secret in (*self.secrets, PASSWORD, "notright", self.gateway.key):
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def setUp(self) -> None:
        self.secrets: list[str] = []
        shared = world()
        self.gateway, self.guest, self.redis = shared.gateway, shared.guest, shared.redis
        self.vm = shared.vm

    def issue(self, vm: str = "", **more: Any) -> dict[str, Any]:
        issued = self.gateway.issue(vm or self.vm, **more)
        self.secrets.append(issued["token"])
        return issued

    def refusal(self, vm: str) -> str:
        """Return the status line of a TCP viewer's refusal."""
        token = self.issue(vm, type="xvpvnc")["token"]
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={token}")
        return str(caught.exception)


class ViewerTests(MainJob):
    """A TCP viewer that sends what the Java viewer sends."""

    def test_a_typed_key_changes_the_picture(self) -> None:
        viewer = Viewer.connect(self.gateway.web_port, self.issue()["token"])
        self.addCleanup(viewer.close)

        viewer.key(ord("1"))

        viewer.wait_for_pixel(KEY_COLOURS["1"])
        self.assertIn(self.guest.name, viewer.name)

    def test_over_tls_and_without_a_path(self) -> None:
        viewer = Viewer.connect(
            self.gateway.xvp_port, self.issue()["token"], target="?token={token}", tls=world().trust
        )
        self.addCleanup(viewer.close)
        viewer.key(ord("2"))

        viewer.wait_for_pixel(KEY_COLOURS["2"])

    def test_the_audit_log_tells_who_saw_what_and_how_much(self) -> None:
        issued = self.issue(user="bob")
        viewer = Viewer.connect(self.gateway.web_port, issued["token"])
        viewer.pixel()
        session = self.gateway.call("GET", "/v1/sessions")[1]["sessions"][0]
        viewer.close()

        closing = self.gateway.audit_of("close", session=session["id"])
        self.assertEqual(closing["user"], "bob")
        self.assertEqual(closing["vm"], self.vm)
        self.assertEqual(closing["client"], "127.0.0.1")
        self.assertEqual(closing["token"], issued["id"][:12])
        self.assertGreater(closing["bytes_down"], 640 * 400)
        self.assertGreater(closing["bytes_up"], 20)

    def test_a_token_is_good_once(self) -> None:
        token = self.issue()["token"]
        Viewer.connect(self.gateway.web_port, token).close()

        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={token}")

        self.assertEqual(str(caught.exception), f"401 {REFUSED_TOKEN}")

    def test_no_token(self) -> None:
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, "/console")

        self.assertEqual(
            str(caught.exception), "400 The link has no valid token. Ask for a new console link."
        )

    def test_an_administrator_ends_the_session(self) -> None:
        viewer = Viewer.connect(self.gateway.web_port, self.issue()["token"])
        _, answer = self.gateway.call("GET", "/v1/sessions")
        (session,) = [each for each in answer["sessions"] if each["type"] == "xvpvnc"]

        status, _ = self.gateway.call("DELETE", f"/v1/sessions/{session['id']}")

        self.assertEqual(status, 200)
        viewer.wait_for_end()
        closing = self.gateway.audit_of("close", session=session["id"])
        self.assertEqual(closing["reason"], "ended-by-administrator")


class BrowserTests(MainJob):
    """Chromium opens the access URL."""

    def setUp(self) -> None:
        super().setUp()
        self.page = Page()
        self.addCleanup(self.page.leave)
        self.page.forget() if self.page.driver.current_url.startswith("http") else None

    def test_a_typed_key_changes_the_picture(self) -> None:
        self.page.open(self.issue()["url"])
        self.page.wait_for_state("connected")

        self.page.type("4")

        self.page.wait_for_pixel(*KEY_COLOURS["4"])
        self.assertIn(self.guest.name, self.page.driver.title)

    def test_the_same_token_again_is_refused_with_the_reason(self) -> None:
        url = self.issue()["url"]
        self.page.open(url)
        self.page.wait_for_state("connected")
        self.page.forget()

        self.page.reload()

        self.page.wait_for_reason(REFUSED_TOKEN)
        self.assertFalse(self.page.offers_reconnect())

    def test_a_reload_comes_back_although_the_token_is_used(self) -> None:
        self.page.open(self.issue()["url"])
        self.page.wait_for_state("connected")
        self.page.type("2")
        self.page.wait_for_pixel(*KEY_COLOURS["2"])

        self.page.reload()

        self.page.wait_for_state("connected")
        self.page.wait_for_pixel(*KEY_COLOURS["2"])

    def test_a_link_that_asks_is_used_by_its_button_and_not_by_being_opened(self) -> None:
        issued = self.issue(policy={"confirm": True})
        for _ in range(3):
            self.page.open(issued["url"])
            self.page.wait_for_reason(f"The console of {self.guest.name} opens when you press")
        shown = self.gateway.call("GET", f"/v1/tokens/{issued['id']}")[1]
        self.assertEqual(shown["uses_left"], 1)

        self.page.reconnect()
        self.page.wait_for_state("connected")
        self.page.reload()
        self.page.wait_for_state("connected")

        self.gateway.audit_of(
            "refuse", token=issued["token"], reason="confirmation-needed", count=3
        )

    def test_leaving_the_page_ends_the_session(self) -> None:
        issued = self.issue()
        self.page.open(issued["url"])
        self.page.wait_for_state("connected")

        self.page.leave()

        until(lambda: not self.gateway.call("GET", "/v1/sessions")[1]["sessions"], "its end")
        closing = self.gateway.audit_of("close", token=issued["token"])
        self.assertEqual(closing["reason"], "client-gone")

    def test_a_restarted_guest_comes_back_by_itself(self) -> None:
        self.page.open(self.issue()["url"])
        self.page.wait_for_state("connected")
        self.page.type("4")
        self.page.wait_for_pixel(*KEY_COLOURS["4"])

        self.guest.power_off()
        self.page.wait_for_state("waiting")
        self.guest.power_on()

        self.page.wait_for_state("connected")
        self.page.wait_for_pixel(*START_COLOUR)

    def test_a_revoked_token_ends_the_session_and_is_not_resumed(self) -> None:
        issued = self.issue()
        self.page.open(issued["url"])
        self.page.wait_for_state("connected")

        self.gateway.call("DELETE", f"/v1/tokens/{issued['id']}")

        self.page.wait_for_reason("An administrator ended this console.")
        self.page.reload()
        self.page.wait_for_reason(REFUSED_TOKEN)


class FailureTests(MainJob):
    """Each failure has its own sentence, in the browser and for a TCP viewer."""

    def setUp(self) -> None:
        super().setUp()
        self.page = Page()
        self.addCleanup(self.page.leave)

    def check(self, vm: str, status: int, words: str) -> None:
        """Check one failure in the browser and in a TCP viewer."""
        told = self.refusal(vm)
        self.assertTrue(told.startswith(f"{status} {words}"), told)
        self.page.open(self.issue(vm)["url"])
        self.page.wait_for_reason(words)

    def test_a_machine_that_is_shut_down(self) -> None:
        off = Guest(self.guest.host, "off").start()
        self.addCleanup(off.destroy)
        off.power_off()

        self.check(f"kvm/{off.name}", 409, "The virtual machine is shut off.")

    def test_an_unknown_machine(self) -> None:
        self.check("kvm/nobody", 404, "The virtual machine was not found.")

    def test_a_wrong_password(self) -> None:
        self.check("lab/wrong", 502, "The hypervisor refused the connection to the console.")
        cause = self.gateway.audit_of("refuse", vm="lab/wrong")["detail"]
        self.assertIn("authentication failed", cause.lower())

    def test_nothing_listens_at_the_port(self) -> None:
        self.check("lab/away", 502, "The hypervisor could not be reached.")

    def test_the_id_that_a_user_is_told_stands_in_the_log(self) -> None:
        told = self.refusal("lab/away")

        session = told.rpartition("id ")[2].rstrip(".")

        self.assertEqual(self.gateway.audit_of("refuse", session=session)["vm"], "lab/away")

    def test_redis_is_away_and_comes_back(self) -> None:
        token = self.issue(type="xvpvnc")["token"]
        url = self.issue()["url"]
        words = "The console service is not available at the moment. Try again in a minute."
        self.redis.stop()
        self.addCleanup(self.redis.start)

        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={token}")
        self.page.open(url)
        self.page.wait_for_reason(words)
        ready = self.gateway.call("GET", "/readyz")[0]
        self.redis.start()
        self._cleanups.pop()

        self.assertEqual(str(caught.exception), f"503 {words}")
        self.assertEqual(ready, 503)
        until(lambda: self.gateway.call("GET", "/readyz")[0] == 200, "redis again")
        Viewer.connect(self.gateway.web_port, self.issue()["token"]).close()
