"""Recordings of real sessions are listed, watched by links, and followed while they are made."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import http.client
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.player_page import PlayerPage
from tests.components.redis_case import RedisCase, at_once, documented, sleep
from tests.components.viewer import Viewer
from tests.components.vnc_servers import Identity, XServer
from tests.components.x_painter import Painter
from tests.replay.playing import NOVNC, played
from tests.review.links_contract import A, ReviewLinksContract
from vncproxy.cli import main
from vncproxy.replay import Entry, Kind, unpack_entries
from vncproxy.replay.entries import HEAD
from vncproxy.review.redis import RedisReviewLinks
from vncproxy.screen import Picture, ScreenDecoder

WIDTH, HEIGHT = 320, 200
REVIEWER, CLERK = "r" * 43, "c" * 43
"""API keys: of a reviewer, and of one without that right."""


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class World:
    """A display, and a gateway in front of it that records into a directory."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reviews-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        identity = Identity(self.folder / "pki", Authority(self.folder), "localhost")
        size = ("-geometry", f"{WIDTH}x{HEIGHT}")
        self.display = XServer(self.folder, "None", identity, "unused", *size).start()
        atexit.register(self.display.stop)
        self.painter = Painter(self.display.display)
        self.recordings = self.folder / "recordings"
        self.recordings.mkdir()
        self.gateway = Gateway(
            f"""
[recording]
directory = "{self.recordings}"
users = ["alice"]
reviewers = 1
[api.keys.reviewer]
hash = "sha256:{digest(REVIEWER)}"
scopes = ["review", "download"]
vms = ["here/display"]
[api.keys.clerk]
hash = "sha256:{digest(CLERK)}"
scopes = ["admin", "download", "keys", "shadow", "approve"]
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{self.display.port}" }}
other = {{ address = "127.0.0.1:{self.display.port}" }}
"""
        ).start()
        atexit.register(self.gateway.stop)

    def paint(self, seed: int) -> NDArray[np.uint8]:
        """Paint squares of random colours; returns them."""
        few = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3))
        squares = few.repeat(40, axis=0).repeat(40, axis=1).astype(np.uint8)
        pad = np.zeros((HEIGHT, WIDTH, 1), np.uint8)
        self.painter.paint(0, 0, WIDTH, np.dstack((squares[:, :, ::-1], pad)).tobytes())
        return squares

    def api(
        self, method: str, path: str, body: object = None, key: str = REVIEWER
    ) -> tuple[int, Any]:
        """Ask the API; returns the status and the JSON, or the bytes of a file."""
        return self._ask(self.gateway.api_port, method, path, body, key)

    def get(self, session: str, path: str, token: str) -> tuple[int, Any]:
        """Ask for a part of a recording by a link."""
        return self._ask(self.gateway.web_port, "GET", f"/recordings/{session}{path}", None, token)

    def _ask(self, port: int, method: str, path: str, body: object, bearer: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {bearer}"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.getheader("Content-Type") == "application/json":
            return answer.status, json.loads(content)
        return answer.status, content

    def link(self, session: str, **more: Any) -> tuple[str, str]:
        """Make a link; returns its secret and its id."""
        body = {"user": "rita", **more}
        status, answer = self.api("POST", f"/v1/recordings/{session}/links", body)
        assert status == 201, answer
        return answer["url"].partition("?token=")[2], answer["id"]


@cache
def world() -> World:
    return World()


class Live:
    """A session that is followed."""

    def __init__(self, session: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", world().gateway.web_port, timeout=60
        )
        headers = {"Authorization": f"Bearer {token}"}
        self._connection.request("GET", f"/recordings/{session}/live", None, headers)
        self.answer = self._connection.getresponse()
        self.status = self.answer.status
        self.decoder = ScreenDecoder(Picture(1, 1), NOVNC)

    def entries(self) -> Iterator[Entry]:
        """Yield what comes, and keep the screen up to date."""
        while len(head := self.answer.read(HEAD.size)) == HEAD.size:
            kind, moment, size = HEAD.unpack(head)
            entry = Entry(Kind(kind), moment, self.answer.read(size))
            if entry.kind in (Kind.SERVER, Kind.KEY_FRAME):
                self.decoder.receive(entry.data)
            yield entry

    def until_shown(self, pixels: NDArray[np.uint8]) -> list[Entry]:
        """Read until the screen is this one."""
        seen = []
        give_up = time.monotonic() + 60
        for entry in self.entries():
            seen.append(entry)
            if np.array_equal(self.decoder.picture.pixels, pixels):
                return seen
            assert time.monotonic() < give_up, "another screen is shown"
        raise AssertionError(f"it ended: {seen[-1:]}")

    def close(self) -> None:
        self._connection.close()


def run(*words: str) -> Result:
    environment = {
        "VNCPROXY_API": f"http://127.0.0.1:{world().gateway.api_port}",
        "VNCPROXY_API_KEY": REVIEWER,
    }
    return CliRunner().invoke(main, list(words), env=environment)


class ReviewTests(SynchronousTestCase):
    timeout = 180

    def watch(self, vm: str = "here/display") -> tuple[Viewer, str]:
        """Open the display, in a session that is recorded; returns its id, too."""
        gateway = world().gateway
        token = gateway.issue(vm, type="xvpvnc")["token"]
        viewer = Viewer.connect(gateway.xvp_port, token)
        self.addCleanup(viewer.close)
        session = gateway.audit_of("open", token=token)["session"]
        until(lambda: list(world().recordings.rglob(f"*{session}.vncr")), "its file")
        return viewer, session

    def test_a_session_is_recorded_listed_linked_and_watched(self) -> None:
        viewer, session = self.watch()
        squares = world().paint(1)
        viewer.wait_for_pixel(tuple(map(int, squares[5, 5])))  # type: ignore[arg-type]
        viewer.close()
        world().gateway.audit_of("recording", session=session)
        status, one = world().api("GET", f"/v1/recordings/{session}")
        self.assertEqual((status, one["state"], one["user"]), (200, "ended", "alice"))
        listed = world().api("GET", "/v1/recordings?vm=here/display&user=alice")[1]
        self.assertIn(session, [each["session"] for each in listed["recordings"]])

        token, link = world().link(session)
        status, page = world().get(session, "", "")
        self.assertEqual((status, page[:15].lower()), (200, b"<!doctype html>"))
        self.assertEqual(world().get(session, "/contents", "")[0], 401)

        until(lambda: world().get(session, "/contents", token)[0] == 200, "the contents")
        _, contents = world().get(session, "/contents", token)
        self.assertEqual(
            (contents["width"], contents["vm"], contents["user"], contents["state"]),
            (WIDTH, "here/display", "alice", "ended"),
        )
        number = len(contents["segments"]) - 1
        status, segment = world().get(session, f"/segments/{number}", token)
        self.assertEqual(status, 200)
        *_, (_, pixels) = played(list(unpack_entries(segment)))
        self.assertTrue(np.array_equal(pixels, squares))
        self.assertEqual(world().get(session, f"/segments/{number + 1}", token)[0], 404)
        self.assertEqual(world().get(session, "/live", token)[0], 409)
        self.assertEqual(world().get(session, "/file", token)[0], 403)

        begun = world().gateway.audit_of("review", session=session)
        self.assertEqual(
            (begun["reviewer"], begun["key"], begun["user"], begun["client"], begun["live"]),
            ("rita", "reviewer", "alice", "127.0.0.1", False),
        )
        self.assertEqual(begun["link"], link[:12])
        path = f"/v1/recordings/{session}/links?link={link}"
        self.assertEqual(world().api("DELETE", path), (200, {"revoked": 1}))
        status, refused = world().get(session, f"/segments/{number}", token)
        self.assertEqual((status, refused["error"]["code"]), (401, "link-expired"))
        ended = world().gateway.audit_of("review-end", session=session)
        self.assertEqual((ended["reason"], ended["bytes"]), ("link-ended", len(segment)))
        self.assertEqual(ended["to"], round(contents["segments"][-1]["end"] / 1e6, 3))
        self.assertNotIn(token, world().gateway.log())

    def test_a_session_is_followed_while_it_goes_on(self) -> None:
        viewer, session = self.watch()
        squares = world().paint(2)
        viewer.wait_for_pixel(tuple(map(int, squares[5, 5])))  # type: ignore[arg-type]
        status, one = world().api("GET", f"/v1/recordings/{session}")
        self.assertEqual((status, one["state"]), (200, "recording"))
        refused = world().api("DELETE", f"/v1/recordings/{session}", key=REVIEWER)
        self.assertEqual(refused[0], 403)

        token, link = world().link(session)
        self.assertEqual(world().get(session, "/contents", token)[1]["state"], "recording")
        live = Live(session, token)
        self.addCleanup(live.close)
        seen = live.until_shown(squares)
        self.assertIn(Kind.KEY_FRAME, [entry.kind for entry in seen])

        viewer.key(0x61)
        squares = world().paint(3)
        viewer.wait_for_pixel(tuple(map(int, squares[5, 5])))  # type: ignore[arg-type]
        seen = live.until_shown(squares)
        self.assertIn(b"\4", [entry.data for entry in seen if entry.kind is Kind.LEFT_OUT])
        self.assertNotIn(Kind.KEY_FRAME, [entry.kind for entry in seen])

        # one at a time is configured
        status, answer = world().get(session, "/live", world().link(session)[0])
        self.assertEqual((status, answer["error"]["code"]), (503, "too-many-reviewers"))

        path = f"/v1/recordings/{session}/links?link={link}"
        self.assertEqual(world().api("DELETE", path), (200, {"revoked": 1}))
        self.assertNotIn(Kind.END, [entry.kind for entry in live.entries()])
        self.assertEqual(world().get(session, "/live", token)[0], 401)
        line = world().gateway.audit_of("review-end", session=session, live=True)
        self.assertEqual((line["reason"], line["reviewer"]), ("link-ended", "rita"))
        self.assertGreater(line["to"], line["from"])

        # another link, until the session ends
        live = Live(session, world().link(session)[0])
        self.addCleanup(live.close)
        live.until_shown(squares)
        viewer.close()
        last = list(live.entries())[-1]
        self.assertEqual((last.kind, json.loads(last.data)), (Kind.END, {"reason": "client-gone"}))
        world().gateway.audit_of("review-end", session=session, live=True, reason="ended")

    def test_who_leaves_leaves_no_process_behind(self) -> None:
        viewer, session = self.watch()
        viewer.wait_for_pixel(viewer.pixel())
        live = Live(session, world().link(session)[0])
        next(live.entries())
        live.close()
        line = world().gateway.audit_of("review-end", session=session, live=True)
        self.assertEqual(line["reason"], "client-gone")
        until(lambda: not _followers(), "the end of its process")

    def test_the_page_follows_until_its_link_is_revoked(self) -> None:
        viewer, session = self.watch()
        squares = world().paint(5)
        viewer.wait_for_pixel(tuple(map(int, squares[5, 5])))  # type: ignore[arg-type]
        token, _ = world().link(session)
        page = PlayerPage()
        self.addCleanup(page.open, "about:blank")
        page.open(f"http://127.0.0.1:{world().gateway.web_port}/recordings/{session}?token={token}")
        page.wait_for_state("live")
        page.wait_for("what is painted", lambda: np.array_equal(page.picture(), squares))
        self.assertNotIn(token, page.driver.current_url)
        squares = world().paint(6)
        viewer.wait_for_pixel(tuple(map(int, squares[5, 5])))  # type: ignore[arg-type]
        page.wait_for("what is painted later", lambda: np.array_equal(page.picture(), squares))
        world().api("DELETE", f"/v1/recordings/{session}/links")
        page.wait_for("the end", lambda: page.data("problem") == "link-expired")
        self.assertIn("This link is not valid", page.text("overlay"))

    def test_rights_and_machines(self) -> None:
        viewer, session = self.watch("here/other")
        viewer.close()
        world().gateway.audit_of("recording", session=session)
        for path in ("", f"/{session}", f"/{session}/file"):
            self.assertEqual(world().api("GET", f"/v1/recordings{path}", key=CLERK)[0], 403)
        for method, path in (("GET", ""), ("GET", "/file"), ("DELETE", "/links")):
            status, answer = world().api(method, f"/v1/recordings/{session}{path}")
            self.assertEqual((status, answer["error"]["code"]), (404, "recording-unknown"))

        viewer, session = self.watch()
        viewer.close()
        file = world().gateway.audit_of("recording", session=session)["file"]
        status, content = world().api("GET", f"/v1/recordings/{session}/file")
        self.assertEqual((status, content), (200, (world().recordings / file).read_bytes()))
        token, _ = world().link(session, download=True)
        self.assertEqual(world().get(session, "/file", token), (200, content))
        world().gateway.audit_of("review-file", session=session, file=file)

    def test_links_and_tokens_are_not_taken_for_each_other(self) -> None:
        viewer, session = self.watch()
        gateway = world().gateway
        token = gateway.issue("here/display", type="xvpvnc")["token"]
        self.assertEqual(world().get(session, "/contents", token)[0], 401)
        link, _ = world().link(session)
        with self.assertRaises(Exception) as caught:
            Viewer.connect(gateway.xvp_port, link)
        self.assertIn("401", str(caught.exception))
        viewer.close()


def _followers() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = process.read_bytes().split(b"\0")
            if b"--follow" in words and str(world().recordings).encode() in process.read_bytes():
                found.append(process.parent.name)
    return found


class RedisReviewLinksTests(ReviewLinksContract, RedisCase):
    """The contract, with no more than the permissions of the documented ACL."""

    def setUp(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()
        self.server_options = {"acl": [*acl, "user default on nopass ~* &* +@all"]}
        super().setUp()

    def make_links(self) -> RedisReviewLinks:
        settings = self.settings(username="vncproxy", password="CHANGE-ME")
        links = RedisReviewLinks(reactor, settings)
        self.addCleanup(lambda: Deferred.fromCoroutine(links.close()))
        return links

    async def pass_time(self, seconds: float) -> None:
        await sleep(seconds + 0.02)

    async def test_proxies_share_them_and_nothing_is_left_of_them(self) -> None:
        one, two = self.make_links(), self.make_links()
        await one.add(A, "s1", "{}", 60, 60)
        self.assertEqual(await two.use([A], 60), ["{}"])
        revoked = await at_once(*(each.revoke("s1") for each in (one, two)))
        self.assertEqual(sorted(revoked, key=str), [0, 1])
        self.assertEqual(await one.use([A], 60), [None])
        self.assertEqual(self.server.cli("keys", "*review*").strip(), "")
