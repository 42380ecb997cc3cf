"""The console page where files of it do not arrive, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.threads import deferToThread
from twisted.web.server import Request
from twisted.web.static import File

from tests.components.chromium import REASON, STATE
from tests.components.page_case import PageTestCase

TOLD = f"{REASON}.includes('not installed correctly')"


LOADED = """
    const scripts = performance.getEntriesByType("resource").map(({ name }) => name)
        .filter((name) => name.endsWith(".js") && !name.endsWith("/console.js"));
    return [...new Set(scripts)].sort();
"""
NAMED = """
    return [...document.querySelectorAll("link[rel=modulepreload]")].map(({ href }) => href).sort();
"""


class NamedTests(PageTestCase):
    async def test_the_page_names_all_modules_that_it_loads_and_no_others(self) -> None:
        await self.open_screen()

        named = await self.js(NAMED)

        self.assertGreater(len(named), 60)
        self.assertEqual(await self.js(LOADED), named)


class LoadingTests(PageTestCase):
    """Files are broken off by the browser, as it does itself when the network changes."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await self.command("Network.enable")

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.break_off()
        await self.command("Network.disable")
        await super().tearDown()

    async def command(self, name: str, **arguments: object) -> None:
        await deferToThread(self.driver.execute_cdp_cmd, name, arguments)

    async def break_off(self, *addresses: str) -> None:
        """Break off the files with these addresses from now on, and no others."""
        await self.command("Network.setBlockedURLs", urls=list(addresses))

    async def test_it_loads_again_by_itself(self) -> None:
        answers = self.fail_once("rfb.js")

        await self.open()

        await self.until(STATE, "connected")
        self.assertEqual(answers, ["fails", "is there"])
        self.assertEqual(await self.js("return sessionStorage.length"), 0)

    def fail_once(self, name: str) -> list[str]:
        """Let the first request for a file fail; returns what happened to each so far."""
        answers: list[str] = []
        render: Callable[[File, Request], bytes | int] = File.render_GET

        def answer(file: File, request: Request) -> bytes | int:
            if file.basename() == name:
                answers.append("is there" if answers else "fails")
                if answers == ["fails"]:
                    request.setResponseCode(503)
                    return b""
            return render(file, request)

        self.patch(File, "render_GET", answer)
        return answers

    async def test_it_tells_when_that_does_not_help(self) -> None:
        await self.break_off("*/rfb.js")

        await self.open()

        await self.until(TOLD, True)
        self.assertEqual(await self.js(STATE), "ended")
        self.assertEqual(self.gateway.consoles, [])

    async def test_loading_by_hand_begins_anew(self) -> None:
        await self.break_off("*/rfb.js")
        await self.open()
        await self.until(TOLD, True)

        await self.break_off()
        await deferToThread(self.driver.refresh)

        await self.until(STATE, "connected")
