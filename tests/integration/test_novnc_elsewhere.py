"""Links of Nova's API in Chromium: on the proxy's page, and on noVNC that another server has."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR
from tests.components.novnc_pages import NoVNCPages
from tests.components.vnc_servers import QemuMachine

LIMIT = 60.0
TEXT = "(document.querySelector('#noVNC_status, #status')?.textContent ?? '').trim()"
PIXEL_OF_THE_APP = """
    const canvas = document.querySelector("#noVNC_container canvas");
    return canvas && canvas.width
        ? [...canvas.getContext("2d").getImageData(5, 5, 1, 1).data].slice(0, 3) : null;
"""
REFUSED = "This console cannot be opened from here."


class World:
    """A guest, noVNC on two origins, and a proxy that trusts one of them."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="novnc-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.guest = QemuMachine(folder, "guest").start()
        atexit.register(self.guest.stop)
        self.pages, self.strangers = (NoVNCPages(folder / name) for name in ("own", "strange"))
        for pages in (self.pages, self.strangers):
            atexit.register(pages.stop)
        self.proxies = self.gateway(), self.gateway("1.3"), self.gateway("1.7")

    def gateway(self, version: str = "") -> Gateway:
        gateway = Gateway(
            f"""
[nova]
{f'novnc_url = "{self.pages.origin}/{version}/vnc_lite.html?QUERY"' if version else ""}
[backends.lab]
type = "static"
[backends.lab.consoles]
web-01 = {{ address = "127.0.0.1:{self.guest.port}" }}
""",
            tables={"public": f'allowed_origins = ["{self.pages.origin}"]'},
        )
        query = f"host=127.0.0.1&port={gateway.web_port}"
        gateway.config.write_text(gateway.config.read_text().replace("QUERY", query))
        atexit.register(gateway.stop)
        return gateway.start()


world = cache(World)


class ElsewhereCase(SynchronousTestCase):
    timeout = 280

    def setUp(self) -> None:
        self.page = Page()
        self.addCleanup(self.page.leave)

    def link(self, gateway: Gateway) -> str:
        """Ask Nova's API for a link."""
        request = Request(
            f"http://127.0.0.1:{gateway.api_port}/v2.1/servers/lab/web-01/remote-consoles",
            json.dumps({"remote_console": {"protocol": "vnc", "type": "novnc"}}).encode(),
            {"X-Auth-Token": gateway.key, "OpenStack-API-Version": "compute 2.96"},
        )
        with urlopen(request, timeout=60) as answer:
            return str(json.load(answer)["remote_console"]["url"])

    def wait_for(self, script: str, expected: object) -> None:
        end = time.monotonic() + LIMIT
        while (found := self.page.driver.execute_script(script)) != expected:
            self.assertLess(time.monotonic(), end, (found, self.page.driver.get_log("browser")))
            time.sleep(0.05)


class LinkTests(ElsewhereCase):
    def test_both_forms_on_the_page_of_the_proxy(self) -> None:
        gateway, _, _ = world().proxies
        link = self.link(gateway)
        parts = urlsplit(self.link(gateway))
        token = urlsplit(parse_qs(parts.query)["path"][0]).query

        for url in (link, f"http://{parts.netloc}/vnc_auto.html?{token}"):
            self.page.open(url)
            self.page.wait_for_pixel(*START_COLOUR)
            self.page.leave()

    def test_novnc_1_3_of_another_origin(self) -> None:
        link = self.link(world().proxies[1])
        self.assertTrue(link.startswith(f"{world().pages.origin}/1.3/vnc_lite.html?host="), link)

        self.page.open(link)

        self.page.wait_for_pixel(*START_COLOUR)

    def test_novnc_1_3_as_a_whole(self) -> None:
        link = self.link(world().proxies[1])
        self.page.open(link.replace("vnc_lite.html?", "vnc_auto.html?autoconnect=true&"))
        self.wait_for(PIXEL_OF_THE_APP, list(START_COLOUR))

    def test_novnc_1_7_of_another_origin(self) -> None:
        self.page.open(self.link(world().proxies[2]))

        self.page.wait_for_pixel(*START_COLOUR)


class OriginTests(ElsewhereCase):
    def test_a_page_of_an_origin_that_is_not_allowed(self) -> None:
        for number, page in ((1, "vnc_auto.html?autoconnect=true&"), (2, "vnc_lite.html?")):
            link = self.link(world().proxies[number]).replace("vnc_lite.html?", page)
            stranger = link.replace(world().pages.origin, world().strangers.origin)

            self.page.open(stranger)

            self.wait_for(f"return {TEXT}.includes({REFUSED!r})", expected=True)
            self.page.leave()
