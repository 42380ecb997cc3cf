"""What is served where on the users' site."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from twisted.internet import _producer_helpers
from twisted.internet.task import Cooperator
from twisted.logger import capturedLogs, formatEvent
from twisted.web.resource import Resource

from tests.doubles.users import Answer, Browser, SiteTestCase, upgrade
from vncproxy.api.health import health_resource
from vncproxy.downstream import routes
from vncproxy.downstream.forwarded import Forwarding
from vncproxy.downstream.static_files import WholeFile
from vncproxy.downstream.throttled_warning import ThrottledWarning
from vncproxy.downstream.trust import Trust
from vncproxy.errors import StoreUnavailable
from vncproxy.testing import MemoryPeer
from vncproxy.web import STATIC
from vncproxy.web.preloading import with_preloads

PAGE = with_preloads((STATIC / "index.html").read_text(), STATIC).encode()
START_PAGE = with_preloads((STATIC / "start" / "start.html").read_text(), STATIC).encode()


class PageTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(routes, "novnc_installed", lambda: True)
        # files are sent piece by piece, by a cooperator that would use the global reactor
        turns = Cooperator(scheduler=lambda step: self.reactor.callLater(0, step))
        self.patch(_producer_helpers, "cooperate", turns.cooperate)

    def get(
        self, path: str, *headers: str, method: str = "GET", peer: MemoryPeer | None = None
    ) -> Answer:
        peer = peer or self.connect()
        request = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        peer.send("\r\n".join(request).encode("latin-1"))
        self.reactor.pump([0] * 10)
        return Answer.parse(peer.receive())

    def under(self, prefix: str) -> None:
        """Serve the site below a path."""
        self.prefix = prefix
        self.open_site()


class PageTests(PageTestCase):
    def test_the_names_of_the_page(self) -> None:
        for path in ("/", "/index.html", "/vnc.html", "/vnc_auto.html", "/vnc_lite.html", "//"):
            answer = self.get(f"{path}?token=0123456789abcdef")

            self.assertEqual((answer.status, answer.body), (200, PAGE), path)
            self.assertEqual(answer.header("content-type"), "text/html")

    def test_a_link_whose_question_mark_was_escaped(self) -> None:
        for path in ("/%3Ftoken%3D0123456789abcdef", "/vnc.html%3ftoken=0123456789abcdef"):
            self.assertEqual(self.get(path).body, PAGE, path)

    def test_the_page_takes_no_use_of_a_token(self) -> None:
        self.get(f"/?token={self.issue()}")

        self.assertEqual(self.store.calls, [])

    def test_the_headers_that_keep_it_safe(self) -> None:
        for path in ("/", "/static/console.js", "/nothing"):
            answer = self.get(path)

            self.assertIn("default-src 'none'", answer.header("content-security-policy"))
            self.assertIn("frame-ancestors 'self'", answer.header("content-security-policy"))
            self.assertEqual(answer.header("referrer-policy"), "no-referrer")
            self.assertEqual(answer.header("x-content-type-options"), "nosniff")
            self.assertEqual(answer.header("cache-control"), "no-cache")
            self.assertEqual(answer.header("server"), "vncproxy")
            self.assertNotIn("set-cookie", answer.headers)

    def test_browsers_keep_to_tls_where_the_public_url_has_it(self) -> None:
        self.assertNotIn("strict-transport-security", self.get("/").headers)

        self.trust = replace(self.trust, secure=True)
        self.open_site()

        for path in ("/", "/static/console.js", "/nothing"):
            header = self.get(path).header("strict-transport-security")
            self.assertEqual(header, "max-age=31536000")

    def test_pages_that_may_show_it_in_a_frame(self) -> None:
        self.trust = replace(self.trust, embedders=("https://portal.example",))
        self.open_site()

        self.assertIn(
            "frame-ancestors 'self' https://portal.example",
            self.get("/").header("content-security-policy"),
        )

    def test_head(self) -> None:
        with capturedLogs() as events:
            for path, status, size in (("/console", 200, len(PAGE)), ("/nothing", 404, 52)):
                answer = self.get(path, method="HEAD")

                self.assertEqual((answer.status, answer.body), (status, b""))
                self.assertEqual(int(answer.header("content-length")), size)

        self.assertEqual(events, [])

    def test_a_page_that_did_not_change_is_not_sent_again(self) -> None:
        modified = self.get("/").header("last-modified")

        self.assertEqual(self.get("/", f"If-Modified-Since: {modified}").status, 304)

    def test_dates_that_are_none_are_ignored(self) -> None:
        for text in ("; ;; ;", "", "Thu,", "Thu, 99 Foo 99999 99:99:99 GMT", "yesterday", "\xff"):
            for method in ("GET", "HEAD"):
                answer = self.get("/", f"If-Modified-Since: {text}", method=method)
                self.assertEqual(answer.status, 200, text)

    def test_without_novnc_it_says_what_is_missing(self) -> None:
        self.patch(routes, "novnc_installed", lambda: False)

        answer = self.get("/?token=0123456789abcdef")

        self.assertEqual(answer.status, 503)
        self.assertIn(b"npm was missing when vncproxy was built", answer.body)


class StartPageTests(PageTestCase):
    def test_without_a_token_it_explains_what_this_is(self) -> None:
        for path in ("/", "//", "/?", "/?token=", "/?title=web-01", "/?path=websockify"):
            answer = self.get(path)

            self.assertEqual((answer.status, answer.body), (200, START_PAGE), path)
        self.assertNotIn(b"kvm", START_PAGE)

    def test_a_link_leads_to_its_console_wherever_its_token_is(self) -> None:
        for path in ("/?token=X", "/?path=%3Ftoken%3DX", "/%3Ftoken=X"):
            self.assertEqual(self.get(path).body, PAGE, path)
        self.assertEqual(self.get("/", "Cookie: token=X").body, PAGE)

    def test_other_names_are_those_of_the_console(self) -> None:
        for path in ("/console", "/vnc.html", "/index.html", "/vnc_auto.html"):
            self.assertEqual(self.get(path).body, PAGE, path)

    def test_below_a_prefix(self) -> None:
        self.under("/consoles/")

        self.assertEqual(self.get("/consoles/").body, START_PAGE)
        self.assertEqual(self.get("/static/start/start.html").status, 404)


class HindranceTests(PageTestCase):
    """What keeps a browser from its console on the way."""

    def setUp(self) -> None:
        super().setUp()
        self.forget_warnings()

    def forget_warnings(self, **changes: Any) -> None:
        warning = ThrottledWarning(self.reactor.seconds)
        self.trust = replace(self.trust, forwarding=Forwarding(warning=warning))
        self.open_site(**changes)

    def warnings(self, path: str, *headers: str, times: int = 1) -> list[str]:
        with capturedLogs() as events:
            for _ in range(times):
                self.answer = self.get(path, *headers)
        return [formatEvent(e) for e in events if "throttled_warning" in e["log_namespace"]]

    def test_a_web_socket_whose_upgrade_was_dropped(self) -> None:
        for path in ("/websockify?token=0123456789abcdef", "/?token=0123456789abcdef", "/x"):
            self.forget_warnings()
            (line,) = self.warnings(path, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", times=3)

            self.assertIn("without Upgrade", line)
            self.assertNotIn("0123456789abcdef", line)
            self.assertEqual(
                (self.answer.status, self.answer.header("upgrade")), (426, "websocket")
            )

    def test_one_that_lost_all_its_headers(self) -> None:
        (line,) = self.warnings("/websockify?token=0123456789abcdef")

        self.assertIn("pass the headers Upgrade and Connection on", line)

    def test_a_page_that_asks_how_things_are_is_not_logged(self) -> None:
        self.assertEqual(self.warnings("/websockify"), [])
        self.assertEqual(self.answer.status, 426)

    def test_a_page_that_asks_how_things_are_while_users_wait_is_told_that_it_is_busy(self) -> None:
        self.sessions.admission.waiting = 1
        self.assertEqual(self.warnings("/websockify"), [])
        self.assertEqual((self.answer.status, self.answer.header("retry-after")), (503, "8"))
        self.assertIn(b"The console service is busy.", self.answer.body)

    def test_a_page_whose_script_did_not_run(self) -> None:
        (line,) = self.warnings("/static/blocked.svg", times=3)

        self.assertIn("the page's script did not run", line)
        self.assertEqual(self.answer.header("content-type"), "image/svg+xml")


class StaticTests(PageTestCase):
    def test_a_file(self) -> None:
        answer = self.get("/static/console.js")

        self.assertEqual(answer.body, (STATIC / "console.js").read_bytes())
        self.assertEqual(answer.header("content-type"), "text/javascript")

    def test_texts_in_a_language(self) -> None:
        answer = self.get("/static/languages/de.json")

        self.assertEqual(answer.header("content-type"), "application/json")
        self.assertEqual(json.loads(answer.body)["texts"]["Clipboard"], "Zwischenablage")
        tag = answer.header("etag")
        again = self.get("/static/languages/de.json", f"If-None-Match: {tag}")
        self.assertEqual((again.status, again.body), (304, b""))

    def test_there_are_no_texts_in_english_nor_of_other_names(self) -> None:
        for name in ("en.json", "xx.json", "de.po", "..%2fde.json"):
            self.assertEqual(self.get(f"/static/languages/{name}").status, 404, name)

    def test_types(self) -> None:
        for name, kind in (("style/base.css", "text/css"), ("favicon.svg", "image/svg+xml")):
            self.assertEqual(self.get(f"/static/{name}").header("content-type"), kind)

    def test_nothing_outside_the_folder(self) -> None:
        for path in (
            "/static/../install.py",
            "/static/%2e%2e/install.py",
            "/static/..%2finstall.py",
            "/static/%2e%2e%2finstall.py",
            "/static//etc/passwd",
            "/static/%2fetc/passwd",
            "/static/./../install.py",
            "/static/..\\install.py",
            "/static/novnc/../../install.py",
            "/static/%00",
            "/static/%ff",
            "/static/\xb0",
            "/static/" + "a" * 300,
            "/static" + "/a" * 300,
            "/static/.",
            "/static/./console.js",
            "/../static/../install.py",
        ):
            answer = self.get(path)

            self.assertEqual(answer.status, 404, path)
            self.assertNotIn(b"def ", answer.body)

    def test_no_folder_is_listed(self) -> None:
        (STATIC / "novnc").mkdir(exist_ok=True)
        for path in ("/static/novnc", "/static/novnc/", "/static/novnc//"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_the_page_is_not_shown_where_it_cannot_find_its_files(self) -> None:
        for path in ("/static", "/static/", "/static/index.html"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_ranges_are_ignored(self) -> None:
        whole = (STATIC / "console.js").read_bytes()
        for ranges in ("0-9", ",".join(["0-"] * 5000), ",".join(["9999999-"] * 800), "-5", "\xff"):
            answer = self.get("/static/console.js", f"Range: bytes={ranges}")

            self.assertEqual((answer.status, answer.body), (200, whole))
            self.assertEqual(answer.header("accept-ranges"), "none")

    def test_a_file_that_changed_is_sent_as_it_is_now(self) -> None:
        file = Path(self.mktemp())
        file.write_bytes(b"old")
        for content in (b"old", b"new one"):
            file.write_bytes(content)
            self.assertEqual(WholeFile(str(file)).content().plain, content)

    def test_what_is_missing(self) -> None:
        for path in ("/static/nothing.js", "/static/console.js/x", "/nothing"):
            self.assertEqual(self.get(path).status, 404, path)


class MethodTests(PageTestCase):
    def test_others_are_refused(self) -> None:
        self.assertEqual(self.get("*", method="OPTIONS").header("server"), "vncproxy")
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            answer = self.get("/", method=method)

            self.assertEqual(answer.status, 405)
            self.assertEqual(answer.header("allow"), "GET, HEAD, CONNECT")

    def test_an_upgrade_to_something_else_is_an_ordinary_request(self) -> None:
        self.assertEqual(self.get("/", "Upgrade: h2c").status, 200)

    def test_one_connection_serves_all(self) -> None:
        peer = self.connect()
        self.assertEqual(self.get("/", peer=peer).status, 200)
        self.assertEqual(self.get("/nothing", peer=peer).status, 404)

        browser = Browser(peer, upgrade(f"/?token={self.issue()}"))
        self.console()

        self.assertEqual(browser.receive(), b"RFB 003.008\n")
        peer.send(b"\x88\x80\0\0\0\0")


class PrefixTests(PageTestCase):
    def test_with_the_prefix_and_without(self) -> None:
        self.under("/consoles/")

        for path in ("/consoles/", "/consoles/vnc.html", "/", "/vnc.html"):
            self.assertEqual(self.get(path).status, 200, path)
        self.assertEqual(self.get("/consoles/static/console.js").status, 200)
        self.assertEqual(self.get("/static/console.js").status, 200)
        self.assertEqual(self.get("/other/").status, 404)

    def test_without_its_slash_a_browser_is_led_to_the_page(self) -> None:
        self.under("/consoles/")

        answer = self.get("/consoles?token=abc")

        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.header("location"), "/consoles/?token=abc")

    def test_no_request_leads_a_browser_elsewhere(self) -> None:
        self.under("/consoles/")
        for path in ("//evil.example", "//evil.example/%2f..", "/\\evil.example", "//consoles"):
            self.assertNotIn("location", self.get(path).headers, path)

    def test_upgrades_below_it(self) -> None:
        self.under("/consoles/")

        browser = Browser(self.connect(), upgrade("/consoles/websockify?token="))

        self.assertEqual(browser.receive(), b"RFB 003.008\n")
        browser.peer.reset()


class OtherTests(PageTestCase):
    def setUp(self) -> None:
        super().setUp()
        health = health_resource(store=self.store, sessions=self.sessions, clock=self.reactor)
        assert isinstance(health, Resource)
        self.open_site({name.decode(): child for name, child in health.children.items()})

    def test_health_needs_no_token(self) -> None:
        answer = self.get("/healthz")

        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"status": "ok"}))

    def test_readiness_tells_of_the_store(self) -> None:
        self.assertEqual(self.get("/readyz").status, 200)
        self.reactor.advance(1)

        async def away() -> None:
            raise StoreUnavailable("redis is away")

        self.patch(self.store, "check", away)
        answer = self.get("/readyz")

        self.assertEqual(answer.status, 503)
        self.assertNotIn(b"redis is away", answer.body)

    def test_they_are_found_below_the_prefix(self) -> None:
        health = health_resource(store=self.store, sessions=self.sessions, clock=self.reactor)
        assert isinstance(health, Resource)
        self.prefix = "/consoles/"
        self.open_site({name.decode(): child for name, child in health.children.items()})

        self.assertEqual(self.get("/consoles/healthz").status, 200)


class AddressTests(PageTestCase):
    def test_the_users_address_is_what_a_believed_proxy_says(self) -> None:
        self.trust = Trust(frozenset(), Forwarding((ip_network("192.0.2.0/24"),)))
        self.open_site()

        self.ask("CONNECT / HTTP/1.1", "X-Forwarded-For: 203.0.113.9")

        ((info, _),) = self.observer.refusals
        self.assertEqual(info.client, "203.0.113.9")
        self.wait(5)
