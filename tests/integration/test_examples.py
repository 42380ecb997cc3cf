"""The portals of ``examples/`` in Chromium, from a list of machines to the picture of a guest."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import PIXEL, REASON, STATE, browser
from tests.components.fake_oned import VM, FakeOned, OnedServer, User
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, until
from tests.components.vnc_servers import QemuMachine
from tests.components.wsgi_portal import EXAMPLES, WSGIPortal

TIME_LIMIT = 60.0
LONGEST = 60
"""Lines of a portal."""

PORTALS = ("flask_portal", "horizon_page", "sunstone_page")


class World:
    """A guest that OpenNebula has as its machine 7, a proxy, and the portals as they start."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="examples-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.guest = QemuMachine(self.folder, "guest").start()
        atexit.register(self.guest.stop)
        self.oned = FakeOned()
        self.oned.users |= {"alice": User(2, "pw-of-alice"), "bob": User(3, "pw-of-bob")}
        graphics = {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": self.guest.port}
        self.oned.add(VM(7, "web", graphics=graphics))
        self.oned.add(VM(8, "other", graphics=graphics, visible=False))
        self.server = OnedServer(self.oned)
        atexit.register(self.server.stop)
        self.gateway = self.proxy()

    def proxy(self) -> Gateway:
        gateway = Gateway(f"""
[backends.lab]
type = "static"
[backends.lab.consoles.web-01]
address = "127.0.0.1:{self.guest.port}"
name = "web server"
[backends.one]
type = "opennebula"
endpoint = "{self.server.url}"
session = "oneadmin:opennebula"
addresses = {{ hv1 = "127.0.0.1" }}
""")
        self.api = f"http://127.0.0.1:{gateway.api_port}"
        self.horizon = self.portal("horizon_page", gateway, **self.cloud(gateway))
        text = gateway.config.read_text()
        origins = f'[public]\nallowed_origins = ["{self.horizon.origin}"]\n'
        gateway.config.write_text(text.replace("[public]\n", origins))
        gateway.start()
        atexit.register(gateway.stop)
        return gateway

    def cloud(self, gateway: Gateway) -> dict[str, str]:
        """Return the environment for OpenStack's SDK, which finds the proxy as its Nova."""
        path = self.folder / "clouds.yaml"
        path.write_text(f"""
clouds:
  mine:
    auth_type: admin_token
    auth: {{ endpoint: "{self.api}/v2.1", token: "{gateway.key}" }}
    compute_endpoint_override: "{self.api}/v2.1"
""")
        return {"OS_CLOUD": "mine", "OS_CLIENT_CONFIG_FILE": str(path)}

    def portal(self, name: str, gateway: Gateway, **variables: str) -> WSGIPortal:
        keys = {"VNCPROXY_API": self.api, "VNCPROXY_API_KEY": gateway.key}
        portal = WSGIPortal(name, **{**keys, **variables})
        atexit.register(portal.stop)
        return portal


world = cache(World)


class PortalTests(SynchronousTestCase):
    timeout = 180

    def setUp(self) -> None:
        self.world = world()
        self.driver = browser()
        self.addCleanup(self.driver.get, "about:blank")

    def portal(self, name: str, **variables: str) -> WSGIPortal:
        return self.world.portal(name, self.world.gateway, **variables)

    def assert_shown(self, url: str, link: str, user: str, vm: str) -> None:
        """Follow a link of a portal's page, and wait for the guest's screen in its frame."""
        opened = len(self.world.gateway.audit("open"))
        self.driver.get(url)
        self.driver.find_element(By.LINK_TEXT, link).click()
        self.until(STATE, "connected")
        self.until(PIXEL, list(START_COLOUR))
        (line,) = until(lambda: self.world.gateway.audit("open")[opened:], "the line of audit")
        self.assertEqual((line["user"], line["vm"]), (user, vm))

    def until(self, script: str, expected: Any) -> None:
        give_up = time.monotonic() + TIME_LIMIT
        while (value := self.inside(script)) != expected:
            if time.monotonic() > give_up:
                raise AssertionError(f"{value!r} instead of {expected!r}: {self.inside(REASON)}")
            time.sleep(0.1)

    def inside(self, script: str) -> Any:
        """Run a script in the frame."""
        try:
            self.driver.switch_to.default_content()
            self.driver.switch_to.frame(self.driver.find_element(By.TAG_NAME, "iframe"))
            return self.driver.execute_script(script)
        except Exception as e:  # noqa: BLE001 the frame is loading
            return f"{type(e).__name__}: {e}"
        finally:
            self.driver.switch_to.default_content()

    def test_flask(self) -> None:
        machines = '{"alice": ["lab/web-01"]}'
        portal = self.portal("flask_portal", REMOTE_USER="alice", PORTAL_MACHINES=machines)

        self.assert_shown(portal.origin, "lab/web-01", "alice", "lab/web-01")

        self.driver.get(f"{portal.origin}/console/one/7")
        self.assertIn("Not Found", self.driver.page_source)

    def test_horizon(self) -> None:
        origin = self.world.horizon.origin

        self.assert_shown(origin, "web server", "test", "lab/web-01")

        self.driver.find_element(By.PARTIAL_LINK_TEXT, "only console").click()
        until(lambda: self.driver.execute_script(PIXEL) == list(START_COLOUR), "the screen")

    def test_sunstone(self) -> None:
        portal = self.portal("sunstone_page", ONE_XMLRPC=self.world.server.url)
        address = portal.origin.removeprefix("http://")

        self.assert_shown(f"http://alice:pw-of-alice@{address}", "one-7", "alice", "one/7")

        self.driver.get(f"http://alice:pw-of-alice@{address}/vnc/one-8")
        self.assertIn("Not authorized", self.driver.page_source)


class LengthTests(SynchronousTestCase):
    def test_no_portal_is_long(self) -> None:
        for name in PORTALS:
            lines = (EXAMPLES / f"{name}.py").read_text().splitlines()
            self.assertLessEqual(len(lines), LONGEST, name)
