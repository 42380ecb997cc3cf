"""How the page's files are sent: compressed, with tags, and no more of them than it can bear."""

from __future__ import annotations

import gzip
import re

from twisted.internet import _producer_helpers
from twisted.internet.task import Cooperator

from tests.doubles.users import Answer, SiteTestCase
from vncproxy.web import STATIC
from vncproxy.web.install import install
from vncproxy.web.preloading import imported

FILE = "/static/page/page.js"
MOST = 300_000
"""Bytes of the whole page, compressed."""


class FileTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        install()
        turns = Cooperator(scheduler=lambda step: self.reactor.callLater(0, step))
        self.patch(_producer_helpers, "cooperate", turns.cooperate)

    def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        peer = self.connect()
        request = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        peer.send("\r\n".join(request).encode("latin-1"))
        self.reactor.pump([0] * 10)
        answer = Answer.parse(peer.receive())
        peer.reset()
        return answer

    def length(self, path: str) -> int:
        """Return the bytes of a file as a browser gets it."""
        answer = self.get(path, "Accept-Encoding: gzip, deflate, br")
        self.assertEqual(answer.status, 200, path)
        return len(answer.body)


class CompressionTests(FileTestCase):
    def test_browsers_that_take_gzip_get_it(self) -> None:
        plain = (STATIC / "page" / "page.js").read_bytes()
        for accepted in ("gzip", "br, GZIP;q=0.5", "deflate, gzip;q=1.0, *;q=0"):
            answer = self.get(FILE, f"Accept-Encoding: {accepted}")

            self.assertEqual(answer.header("content-encoding"), "gzip", accepted)
            self.assertEqual(answer.header("content-type"), "text/javascript")
            self.assertEqual(answer.header("vary"), "Accept-Encoding")
            self.assertEqual(int(answer.header("content-length")), len(answer.body))
            self.assertEqual(gzip.decompress(answer.body), plain)

    def test_others_get_the_file_as_it_is(self) -> None:
        plain = (STATIC / "page" / "page.js").read_bytes()
        for accepted in ("", "Accept-Encoding: br", "Accept-Encoding: gzip;q=0, br"):
            answer = self.get(FILE, *filter(None, [accepted]))

            self.assertNotIn("content-encoding", answer.headers, accepted)
            self.assertEqual(answer.header("vary"), "Accept-Encoding")
            self.assertEqual(answer.body, plain)

    def test_bytes_that_are_no_text_are_no_coding(self) -> None:
        self.assertEqual(self.get(FILE, "Accept-Encoding: \xb2").status, 200)

    def test_head_tells_the_length_of_what_would_be_sent(self) -> None:
        whole = self.get(FILE, "Accept-Encoding: gzip")

        head = self.get(FILE, "Accept-Encoding: gzip", method="HEAD")

        self.assertEqual(head.header("content-length"), whole.header("content-length"))
        self.assertEqual(head.body, b"")


class TagTests(FileTestCase):
    def test_a_current_copy_is_not_sent_again_whatever_its_date_is(self) -> None:
        for coding in ("gzip", "identity"):
            tag = self.get(FILE, f"Accept-Encoding: {coding}").header("etag")

            answer = self.get(
                FILE,
                f"Accept-Encoding: {coding}",
                f"If-None-Match: {tag}",
                "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
            )

            self.assertEqual((answer.status, answer.body), (304, b""))
            self.assertEqual(answer.header("etag"), tag)
            self.assertEqual(answer.header("vary"), "Accept-Encoding")

    def test_a_copy_of_another_content_is_replaced_although_its_date_is_newer(self) -> None:
        answer = self.get(
            FILE,
            'If-None-Match: "0123456789abcdef"',
            "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
        )

        self.assertEqual(answer.status, 200)

    def test_what_is_compressed_has_a_tag_of_its_own(self) -> None:
        plain = self.get(FILE).header("etag")
        compressed = self.get(FILE, "Accept-Encoding: gzip").header("etag")

        self.assertNotEqual(plain, compressed)
        answer = self.get(FILE, "Accept-Encoding: gzip", f"If-None-Match: {plain}")
        self.assertEqual(answer.status, 200)


class PageTests(FileTestCase):
    def test_the_page_names_each_module_that_it_needs_once(self) -> None:
        html = self.get("/?token=0123456789abcdef").body.decode()
        named = re.findall(r'<link rel="modulepreload" href="static/([^"]+)">', html)

        self.assertEqual(sorted(named), sorted({*named}))
        self.assertLessEqual(
            {"page/page.js", "session/connection.js", "novnc/core/rfb.js"}, {*named}
        )
        for module in named:
            self.assertEqual(self.get(f"/static/{module}").status, 200, module)

    def test_the_player_finds_its_modules_above_its_address(self) -> None:
        self.assertIn("player/playback.js", imported(STATIC, "player/player.js"))

    def test_the_whole_page_is_small(self) -> None:
        html = self.get("/?token=0123456789abcdef").body.decode()
        files = re.findall(r'(?:href|src)="(static/[^"]+)"', html)

        size = self.length("/?token=0123456789abcdef")
        size += sum(self.length(f"/{file}") for file in files)

        self.assertGreater(len(files), 60)
        self.assertLess(size, MOST)
