"""Recordings of real sessions are listed, watched by links, and followed while they are made."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.components.libvirt_host import until
from tests.components.player_page import PlayerPage
from tests.components.redis_case import RedisCase, at_once, documented, sleep
from tests.components.review_world import CLERK, WIDTH, Live, followers, world
from tests.components.viewer import Viewer
from tests.replay.playing import played
from tests.review.links_contract import A, ReviewLinksContract
from vncproxy.replay import Kind, unpack_entries
from vncproxy.review.redis import RedisReviewLinks


def wait_until_seen(viewer: Viewer, pixels: NDArray[np.uint8]) -> None:
    """Ask for the screen until all of it is this one: its server may show it piece by piece."""

    def shown() -> bool:
        seen = np.frombuffer(viewer.picture(), np.uint8).reshape(*pixels.shape[:2], 4)
        return np.array_equal(seen[..., 2::-1], pixels)

    until(shown, "what is painted")


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
        wait_until_seen(viewer, squares)
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
        wait_until_seen(viewer, squares)
        status, one = world().api("GET", f"/v1/recordings/{session}")
        self.assertEqual((status, one["state"]), (200, "recording"))
        refused = world().api("DELETE", f"/v1/recordings/{session}")
        self.assertEqual(refused[0], 403)

        token, link = world().link(session)
        self.assertEqual(world().get(session, "/contents", token)[1]["state"], "recording")
        live = Live(session, token)
        self.addCleanup(live.close)
        seen = live.until_shown(squares)
        self.assertIn(Kind.KEY_FRAME, [entry.kind for entry in seen])

        viewer.key(0x61)
        squares = world().paint(3)
        wait_until_seen(viewer, squares)
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
        until(lambda: not followers(), "the end of its process")

    def test_the_page_follows_until_its_link_is_revoked(self) -> None:
        viewer, session = self.watch()
        squares = world().paint(5)
        wait_until_seen(viewer, squares)
        token, _ = world().link(session)
        page = PlayerPage()
        self.addCleanup(page.open, "about:blank")
        page.open(f"http://127.0.0.1:{world().gateway.web_port}/recordings/{session}?token={token}")
        page.wait_for_state("live")
        page.wait_for("what is painted", lambda: np.array_equal(page.picture(), squares))
        self.assertNotIn(token, page.driver.current_url)
        squares = world().paint(6)
        wait_until_seen(viewer, squares)
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
