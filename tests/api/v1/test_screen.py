"""Waiting for screens over HTTP: what is asked of what waits, and what is told of it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from twisted.internet.defer import Deferred, succeed

from tests.doubles.api import Answer, ApiTestCase
from vncproxy.api import Scope
from vncproxy.api.v1.screen import image_of
from vncproxy.errors import Busy
from vncproxy.model import VMAddress, VMPatterns
from vncproxy.screen import Picture
from vncproxy.screenshots.formats import ImageFormat, ImageKind
from vncproxy.screenshots.images import encode_image
from vncproxy.watching.wanted import Area, Seen, Wanted

DIGEST = "b5" * 16


class Screens:
    """Screens that are as a test wants them.

    Attributes:
        asked: what was waited for.
        seen: what is told.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, Wanted, str]] = []
        self.seen = Seen(640, 400, DIGEST, 1.23456, True, None)
        self.fail: Exception | None = None

    async def wait(self, vm: VMAddress, wanted: Wanted, caller: str) -> Seen:
        self.asked.append((str(vm), wanted, caller))
        if self.fail is not None:
            raise self.fail
        return self.seen

    def encode(self, picture: Any, kind: ImageKind) -> Deferred[bytes]:
        return succeed(encode_image(picture, kind))


class ScreenTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.screens = self.double = Screens()
        self.serve()

    def wait(self, query: str = "vm=kvm/web-01", **more: Any) -> Answer:
        return self.call("GET", f"/v1/screen?{query}", **more)

    def test_how_it_looks(self) -> None:
        answer = self.wait()
        self.assertEqual(answer.status, 200)
        self.assertEqual(
            answer.body,
            {
                "vm": "kvm/web-01",
                "width": 640,
                "height": 400,
                "digest": DIGEST,
                "still": 1.235,
                "stable": True,
                "changed": None,
                "image": "/v1/screenshot?vm=kvm/web-01",
            },
        )
        self.assertEqual(self.double.asked, [("kvm/web-01", Wanted(1.0, 30.0), "root")])
        self.assertEqual(self.audit[-1]["event"], "api-screenshot")

    def test_what_is_waited_for(self) -> None:
        self.wait(
            "vm=kvm/web-01&wait=stable&stable_for=0.5&timeout=120&area=0,16,320,200"
            f"&ignore=0,0,640,16/10,20,30,40&changed_from={DIGEST}"
        )
        ignored = Area(0, 0, 640, 16), Area(10, 20, 30, 40)
        wanted = Wanted(0.5, 120.0, Area(0, 16, 320, 200), ignored, DIGEST)
        self.assertEqual(self.double.asked[0][1], wanted)

    def test_the_picture_itself(self) -> None:
        picture = Picture(4, 2)
        picture.pixels[:] = (10, 20, 30)
        self.double.seen = Seen(4, 2, DIGEST, 1.0, False, None, picture)
        request = self.treq.request(  # type: ignore[attr-defined]
            "GET",
            "http://127.0.0.1:6082/v1/screen?vm=kvm/web-01",
            headers={"Authorization": f"Bearer {self.key}", "Accept": "image/png"},
        )
        self.treq.flush()
        response = self.successResultOf(request)
        body = self.successResultOf(response.content())
        with Image.open(io.BytesIO(body)) as image:
            self.assertEqual(np.asarray(image).tolist(), picture.pixels.tolist())
        headers = response.headers
        self.assertEqual(headers.getRawHeaders("Content-Type"), ["image/png"])
        self.assertEqual(headers.getRawHeaders("Screen-Digest"), [DIGEST])
        self.assertEqual(headers.getRawHeaders("Screen-Stable"), ["false"])
        self.assertTrue(self.double.asked[0][1].with_picture)

    def test_which_images_a_header_asks_for(self) -> None:
        for header, wanted in (
            (None, None),
            ("*/*", None),
            ("application/json, image/png", None),
            ("image/webp;q=0.9, application/json", ImageFormat.WEBP),
            ("image/*", ImageFormat.PNG),
            ("text/html, image/jpeg", ImageFormat.JPEG),
            ("text/html", None),
        ):
            self.assertIs(image_of(header), wanted, header)

    def test_what_cannot_be_asked_for(self) -> None:
        for field, query in (
            ("wait", "wait=forever"),
            ("stable_for", "stable_for=61"),
            ("stable_for", "stable_for=-1"),
            ("stable_for", "stable_for=nan"),
            ("timeout", "timeout=301"),
            ("timeout", "timeout=1e3"),
            ("area", "area=0,0,0,10"),
            ("area", "area=0,0,10"),
            ("area", "area=0,0,10,999999"),
            ("ignore", "ignore=0,0,1,1/"),
            ("ignore", "ignore=" + "/".join(["0,0,1,1"] * 9)),
            ("changed_from", "changed_from=xyz"),
        ):
            answer = self.wait(f"vm=kvm/web-01&{query}")
            self.assertRefused(answer, 422, "invalid-field", field)
        self.assertRefused(self.wait("wait=stable"), 400, "bad-request", "vm")
        self.assertEqual(self.double.asked, [])

    def test_a_key_needs_the_scope_and_the_machine(self) -> None:
        key = self.key_with(Scope.READ, Scope.TYPE)
        self.assertRefused(self.wait(key=key), 403, "forbidden", None)
        key = self.key_with(Scope.SCREENSHOT, vms=VMPatterns.parse(["kvm/db-*"]))
        self.assertRefused(self.wait(key=key), 403, "forbidden", "vm")

    def test_why_it_cannot_be_waited_for(self) -> None:
        self.double.fail = Busy("too many")
        answer = self.wait()
        self.assertEqual((answer.status, answer.error["code"]), (503, "busy"))
