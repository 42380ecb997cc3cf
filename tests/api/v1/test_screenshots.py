"""Pictures of machines over HTTP: which image is asked for, and how it is answered."""

from __future__ import annotations

from collections.abc import Collection

from tests.doubles.api import Answer, ApiTestCase
from vncproxy.api import Scope
from vncproxy.api.v1.screenshots import known_tags
from vncproxy.errors import ConsoleUnavailable, VNCProxyError
from vncproxy.model import VMAddress, VMPatterns
from vncproxy.screenshots.formats import Image, ImageFormat, ImageKind

WEB = VMAddress("kvm", "web-01")
TAG = "00ff-x.png"


class MemoryPictures:
    """Shows one image, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[VMAddress, ImageKind]] = []
        self.hops = 0
        self.failure: VNCProxyError | None = None

    async def image(
        self, vm: VMAddress, kind: ImageKind, known: Collection[str], hops: int
    ) -> Image:
        self.hops = hops
        self.asked.append((vm, kind))
        if self.failure:
            raise self.failure
        return Image(TAG, 1.9, b"" if TAG in known else b"image")


class ScreenshotCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shown = self.pictures = MemoryPictures()
        self.serve()

    def ask(self, query: str = "vm=kvm/web-01", known: str = "", key: str | None = None) -> Answer:
        headers = {"X-Api-Key": key or self.key}
        if known:
            headers["If-None-Match"] = known
        return self.call("GET", f"/v1/screenshot?{query}", headers=headers)

    def lines(self) -> list[object]:
        return [each["vm"] for each in self.audit if each["event"] == "api-screenshot"]


class ShowTests(ScreenshotCase):
    def test_an_image(self) -> None:
        answer = self.ask()
        self.assertEqual((answer.status, answer.text), (200, "image"))
        self.assertEqual(answer.headers["content-type"], "image/png")
        self.assertEqual(answer.headers["etag"], f'"{TAG}"')
        self.assertEqual(answer.headers["age"], "1")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(self.shown.asked, [(WEB, ImageKind())])
        self.assertEqual(self.lines(), ["kvm/web-01"])

    def test_what_it_is_to_be_like(self) -> None:
        for query, kind in (
            ("width=100", ImageKind(width=100)),
            ("width=16384&height=1", ImageKind(width=16384, height=1)),
            ("format=jpeg&quality=1", ImageKind(ImageFormat.JPEG, quality=1)),
            ("format=webp&quality=100", ImageKind(ImageFormat.WEBP, quality=100)),
            ("cursor=true", ImageKind(cursor=True)),
            ("cursor=false", ImageKind(cursor=False)),
        ):
            self.assertEqual(self.ask(f"vm=kvm/web-01&{query}").status, 200)
            self.assertEqual(self.shown.asked.pop()[1], kind)

    def test_a_request_that_comes_by_another_proxy(self) -> None:
        self.assertEqual(self.ask("vm=kvm/web-01&hops=1").status, 200)
        self.assertEqual(self.shown.hops, 1)
        self.assertRefused(self.ask("vm=kvm/web-01&hops=99"), 422, "invalid-field", "hops")

    def test_an_image_that_the_caller_has_is_not_sent_and_not_audited(self) -> None:
        for known in (f'"{TAG}"', f'W/"{TAG}"', f'"other", "{TAG}"'):
            answer = self.ask(known=known)
            self.assertEqual((answer.status, answer.text), (304, ""))
            self.assertEqual(answer.headers["etag"], f'"{TAG}"')
        self.assertEqual(self.ask(known='"other"').status, 200)
        self.assertEqual(self.lines(), ["kvm/web-01"])

    def test_what_is_no_list_of_tags_has_none(self) -> None:
        for text in (None, "", "*", '"', '""', ",,", TAG, f'"{TAG}', "\x00", "W/"):
            self.assertEqual(set(known_tags(text)), set(), text)


class RefusedTests(ScreenshotCase):
    def test_absurd_values(self) -> None:
        for query, field, words in (
            ("width=0", "width", "from 1 to 16384"),
            ("width=16385", "width", "from 1 to 16384"),
            ("width=-5", "width", "from 1 to 16384"),
            ("width=1e3", "width", "from 1 to 16384"),
            ("width=" + "9" * 5000, "width", "from 1 to 16384"),
            ("width=%D9%A3", "width", "from 1 to 16384"),
            ("height=0", "height", "from 1 to 16384"),
            ("format=jpeg&quality=0", "quality", "from 1 to 100"),
            ("format=jpeg&quality=101", "quality", "from 1 to 100"),
            ("quality=50", "quality", "png keeps every pixel, and has no quality"),
            ("cursor=yes", "cursor", "true or false"),
            ("format=gif", "format", "png, jpeg, webp"),
        ):
            answer = self.ask(f"vm=kvm/web-01&{query}")
            self.assertRefused(answer, 422, "invalid-field", field)
            self.assertIn(words, answer.error["message"])
        self.assertRefused(self.ask("vm=kvm/web-01&width=1&width=2"), 400, "bad-request", "width")
        self.assertEqual(self.shown.asked, [])

    def test_the_machine_is_needed_and_the_key_may_use_it(self) -> None:
        self.assertRefused(self.ask(""), 400, "bad-request", "vm")
        key = self.key_with(Scope.SCREENSHOT, vms=VMPatterns.parse(["kvm/db-*"]))
        self.assertRefused(self.ask(key=key), 403, "forbidden", "vm")
        key = self.key_with(Scope.READ)
        self.assertRefused(self.ask(key=key), 403, "forbidden", None)
        self.assertEqual(self.shown.asked, [])

    def test_why_there_is_none(self) -> None:
        self.shown.failure = ConsoleUnavailable("shut off")
        answer = self.ask()
        self.assertRefused(answer, 409, "console-unavailable", None)
        self.assertEqual(answer.error["message"], "The virtual machine is shut off.")
        self.assertEqual(self.lines(), [])

    def test_where_nothing_decodes_screens(self) -> None:
        self.pictures = None
        self.serve()
        answer = self.ask()
        self.assertRefused(answer, 501, "not-installed", None)
        self.assertIn("vncproxy[screen]", answer.error["message"])
