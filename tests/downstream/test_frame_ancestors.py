"""Pages that may show the console in a frame."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from tests.doubles.users import Answer
from tests.downstream.test_routes import PageTestCase
from vncproxy.errors import StoreUnavailable
from vncproxy.model import Policy, TokenStatus, secret_id

PORTAL = "https://portal.example"
BY_TOKEN = Policy(allowed_origins=(PORTAL, "https://*.apps.example"))


class FramingTestCase(PageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shown: list[str] = []
        show = self.store.show

        async def counted(token_id: str) -> TokenStatus:
            self.shown.append(token_id)
            return await show(token_id)

        self.patch(self.store, "show", counted)

    def ancestors(self, answer: Answer) -> str:
        policy = answer.header("content-security-policy").split("; ")
        (found,) = [part for part in policy if part.startswith("frame-ancestors ")]
        return found.removeprefix("frame-ancestors ")

    def framed(self, token: str, *headers: str, path: str = "/") -> str:
        headers = headers or ("Sec-Fetch-Dest: iframe",)
        return self.ancestors(self.get(f"{path}?token={token}", *headers))


class FramingTests(FramingTestCase):
    def test_the_pages_of_the_token_may_frame_it(self) -> None:
        token = self.issue(BY_TOKEN)

        self.assertEqual(self.framed(token), f"'self' {PORTAL} https://*.apps.example")
        self.assertEqual(self.framed(token, path="/vnc_lite.html"), self.framed(token))
        self.assertEqual(self.shown[0], secret_id(token))
        self.assertEqual(self.store.calls, [])

    def test_the_pages_of_the_configuration_may_too(self) -> None:
        self.trust = replace(self.trust, embedders=("https://desk.example", PORTAL))
        self.open_site()

        self.assertEqual(
            self.framed(self.issue(BY_TOKEN)),
            f"'self' https://desk.example {PORTAL} https://*.apps.example",
        )

    def test_a_browser_that_does_not_say_what_it_asks_for_may_ask_for_a_frame(self) -> None:
        token = self.issue(BY_TOKEN)

        self.assertIn(PORTAL, self.framed(token, "Accept: text/html"))
        for destination in ("frame", "embed", "object", "IFrame"):
            self.assertIn(PORTAL, self.framed(token, f"Sec-Fetch-Dest: {destination}"))

    def test_a_page_of_its_own_costs_no_look_up(self) -> None:
        token = self.issue(BY_TOKEN)

        self.assertEqual(self.framed(token, "Sec-Fetch-Dest: document"), "'self'")
        self.assertEqual(self.shown, [])

    def test_without_a_token_that_can_be_one_nothing_is_looked_up(self) -> None:
        for token in ("", "%20", "%00", "x" * 5000):
            self.assertEqual(self.framed(token), "'self'")
        self.get("/static/console.js?token=0123456789abcdef", "Sec-Fetch-Dest: iframe")

        self.assertEqual(self.shown, [])

    def test_a_token_that_is_not_known_changes_nothing(self) -> None:
        self.assertEqual(self.framed("0123456789abcdef"), "'self'")

    def test_the_page_is_served_while_the_store_is_away(self) -> None:
        async def away(token_id: str) -> TokenStatus:
            raise StoreUnavailable("redis is away")

        self.patch(self.store, "show", away)

        answer = self.get(f"/?token={self.issue(BY_TOKEN)}", "Sec-Fetch-Dest: iframe")
        self.assertEqual((answer.status, self.ancestors(answer)), (200, "'self'"))

    def test_a_defect_does_not_keep_the_page_away(self) -> None:
        async def broken(token_id: str) -> TokenStatus:
            raise RuntimeError("a defect")

        self.patch(self.store, "show", broken)

        self.assertEqual(self.framed(self.issue(BY_TOKEN)), "'self'")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_what_is_no_origin_does_not_get_into_the_header(self) -> None:
        origins = ("https://a.example; script-src *", "'unsafe-inline'", "*", "https://*", PORTAL)

        found = self.framed(self.issue(Policy(allowed_origins=origins)))
        self.assertEqual(found, f"'self' {PORTAL}")

    def test_the_header_has_a_limit(self) -> None:
        for host in ("example", "a-very-long-label-of-a-name." * 8 + "example"):
            origins = tuple(f"https://{n}.{host}" for n in range(5000))
            found = self.framed(self.issue(Policy(allowed_origins=origins)))

            self.assertLess(len(found), 2020)
            self.assertIn(f"https://0.{host}", found)

    def test_strangers_get_so_many_look_ups(self) -> None:
        for _ in range(100):
            self.framed("0123456789abcdef")
        self.assertEqual(len(self.shown), 20)
        self.assertEqual(self.framed(self.issue(BY_TOKEN)), "'self'")

        self.wait(1)
        self.assertIn(PORTAL, self.framed(self.issue(BY_TOKEN)))

    def test_a_browser_that_leaves_meanwhile(self) -> None:
        waiting: Deferred[TokenStatus] = Deferred()

        async def slow(token_id: str) -> TokenStatus:
            return await waiting

        self.patch(self.store, "show", slow)
        peer = self.connect()
        peer.send(b"GET /?token=0123456789abcdef HTTP/1.1\r\nHost: localhost\r\n\r\n")
        peer.close()
        waiting.errback(StoreUnavailable())

        self.assertEqual(peer.receive(), b"")

    def test_head_and_a_page_that_did_not_change(self) -> None:
        path = f"/?token={self.issue(BY_TOKEN)}"
        modified = self.get(path).header("last-modified")

        head = self.get(path, method="HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        again = self.get(path, f"If-Modified-Since: {modified}")
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertIn(PORTAL, self.ancestors(again))
