"""The operator's dashboard as a page that the API serves."""

from __future__ import annotations

import gzip
import re

from twisted.internet.testing import StringTransportWithDisconnection

from tests.doubles.api import Answer, ApiTestCase
from vncproxy.api import api_site
from vncproxy.web import STATIC

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class DashboardTests(ApiTestCase):
    def page(self, path: str = "/", method: str = "GET", accept: str = HTML["Accept"]) -> Answer:
        return self.call(method, path, headers={"Accept": accept})

    def test_a_browser_gets_the_page_without_a_key(self) -> None:
        page = self.page()

        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html"))
        self.assertIn("Enter an API key", page.text)
        self.assertNotIn("set-cookie", page.headers)

    def test_programs_find_the_versions_of_novas_api_there(self) -> None:
        for accept in ("application/json", "*/*", ""):
            answer = self.page(accept=accept)
            self.assertEqual(answer.headers["content-type"], "application/json", accept)
            self.assertIn("versions", answer.body)
            self.assertEqual(answer.headers["vary"], "Accept")
        self.assertEqual(self.page().headers["vary"], "Accept")

    def test_no_other_page_may_show_it_and_no_script_but_its_own_runs(self) -> None:
        headers = self.page().headers

        directives = headers["content-security-policy"].split("; ")
        policy = {
            name: values.split() for name, _, values in (d.partition(" ") for d in directives)
        }
        self.assertEqual(policy["default-src"], ["'none'"])
        self.assertEqual(policy["script-src"], ["'self'"])
        self.assertEqual(policy["style-src"], ["'self'"])
        self.assertEqual(policy["frame-ancestors"], ["'none'"])
        self.assertEqual(policy["form-action"], ["'none'"])
        self.assertEqual(policy["trusted-types"], ["'none'"])
        self.assertEqual(headers["x-frame-options"], "DENY")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertNotIn("access-control-allow-origin", headers)

    def test_it_has_no_inline_script_or_style_and_names_files_that_are_served(self) -> None:
        text = self.page().text

        self.assertEqual(re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", text), [])
        names = re.findall(r'(?:href|src)="(static/[^"]+)"', text)
        self.assertGreater(len(names), 4)
        for name in names:
            file = self.page(f"/{name}", accept="*/*")
            self.assertEqual(file.status, 200, name)
            self.assertEqual(file.headers["x-content-type-options"], "nosniff")

    def test_its_modules_are_served_and_import_only_each_other(self) -> None:
        for module in (STATIC / "dashboard").glob("*.js"):
            file = self.page(f"/static/dashboard/{module.name}", accept="*/*")
            self.assertEqual(file.headers["content-type"], "text/javascript")
            for name in re.findall(r'from "([^"]+)"', file.text):
                self.assertTrue((STATIC / "dashboard" / name).is_file(), name)

    def test_a_copy_that_is_current_is_not_sent_again(self) -> None:
        tag = self.page("/static/dashboard/make.js").headers["etag"]

        for sent, status in ((tag, 304), ('"other"', 200), ("x", 200)):
            again = self.call("GET", "/static/dashboard/make.js", headers={"If-None-Match": sent})
            self.assertEqual((again.status, bool(again.text)), (status, status == 200))

    def test_browsers_get_it_compressed_if_they_take_that(self) -> None:
        for accepted, encoded in ((b"gzip, br", True), (b"br", False)):
            channel = api_site(self.resource, self.clock).buildProtocol(None)
            transport = StringTransportWithDisconnection()
            transport.protocol = channel
            channel.makeConnection(transport)
            lines = b"GET /static/dashboard/make.js HTTP/1.1", b"Host: x", b"Connection: close"
            channel.dataReceived(b"\r\n".join([*lines, b"Accept-Encoding: " + accepted, b"", b""]))
            head, _, body = transport.value().partition(b"\r\n\r\n")
            self.assertEqual(b"Content-Encoding: gzip" in head, encoded)
            self.assertIn(b"Vary: Accept-Encoding", head)
            file = (STATIC / "dashboard/make.js").read_bytes()
            self.assertEqual(gzip.decompress(body) if encoded else body, file)

    def test_head_has_no_body(self) -> None:
        for path in ("/", "/static/dashboard/dashboard.js"):
            answer = self.page(path, "HEAD")
            self.assertEqual((answer.status, answer.text), (200, ""))

    def test_what_is_no_file_is_not_found(self) -> None:
        for path in (
            "/static/",
            "/static/dashboard",
            "/static/dashboard/none.js",
            "/static/../__init__.py",
            "/static/%2e%2e/__init__.py",
            "/static/dashboard/.hidden",
            "/static//etc/passwd",
        ):
            answer = self.page(path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertEqual(answer.error["code"], "not-found")

    def test_other_methods_change_nothing(self) -> None:
        self.assertEqual(self.page("/static/dashboard/make.js", "POST").status, 404)
        self.assertEqual(self.page("/", "POST").status, 405)
