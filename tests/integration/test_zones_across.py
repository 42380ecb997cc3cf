"""Across a border: a browser, what both audits say, links that are dead, limits that count once."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Any

from tests.components.chromium import Page
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.two_hosts import ip
from tests.components.viewer import Refused, Viewer
from tests.components.zone_pair import PairCase, eventually, of_madrid
from vncproxy.model import Policy
from vncproxy.zones.request import Act, new_request, sign

SAME = ("event", "user", "client", "reason", "bytes_up")
"""Members that have one value in the lines of both zones."""


class BrowserTests(PairCase):
    def test_chromium_types_into_a_guest_of_another_zone_and_reloads(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.near.issue("madrid/kvm/web-01")["url"])
        page.wait_for_state("connected")
        for key in "21":
            page.type(key)
            page.wait_for_pixel(*KEY_COLOURS[key])
        page.reload()
        page.wait_for_state("connected")
        page.wait_for_pixel(*KEY_COLOURS["1"])
        first, second = (self.opened(self.far, count)["token"] for count in (1, 2))
        self.assertNotEqual(first, second)

        session = self.opened(self.near, 2)["session"]
        self.near.call("DELETE", f"/v1/sessions/{session}")
        page.wait_for_reason("An administrator ended this console.")
        self.assertEqual(self.ended(self.far, 2), "ended-by-administrator")

    def test_a_browser_reads_what_the_other_zone_says(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.near.issue("madrid/kvm/web-02")["url"])
        page.wait_for_reason("The zone madrid says: The virtual machine was not found.")


class StoryTests(PairCase):
    def test_both_audits_tell_the_same_story_line_by_line(self) -> None:
        names = ("near", "far", "revoked", "there", "leaves", "guest")
        viewers = {name: self.view(user=name) for name in names}
        for viewer in viewers.values():
            viewer.key(ord("2"))
            viewer.wait_for_pixel(KEY_COLOURS["2"])
        always = {"hours": ["mon-sun 00:00-24:00 Europe/Paris"], "bandwidth": 10**9}
        self.view(user="limit", policy={"max_duration": 3, **always})
        self.view(user="idle", policy={"idle_timeout": 3})
        self.end("near", self.near)
        self.end("far", self.far)
        self.near.call("DELETE", "/v1/tokens?user=revoked")
        self.far.call("DELETE", "/v1/tokens?user=there")
        viewers["leaves"].close()
        self.assertStory(7)
        self.addCleanup(self.madrid.start_guest)
        self.madrid.stop_guest()
        self.assertStory(8)
        reasons = {line["user"]: line["reason"] for line in self.audit(self.near, "close")}
        self.assertIn(reasons.pop("guest"), ("console-ended", "connection-lost"))
        ended = "ended-by-administrator"
        expected = {
            **dict.fromkeys(("near", "far", "revoked", "there"), ended),
            "leaves": "client-gone",
        }
        self.assertEqual(reasons, expected | {"limit": "time-limit", "idle": "idle-limit"})

    def end(self, user: str, gateway: Any) -> None:
        """Let an administrator of one zone end a user's session."""
        session = gateway.audit_of("open", user=user)["session"]
        gateway.call("DELETE", f"/v1/sessions/{session}")

    def assertStory(self, ended: int) -> None:
        """Compare the lines of both zones, once so many sessions have ended."""
        for gateway in (self.near, self.far):
            self.ended(gateway, ended)
        near = [*self.audit(self.near, "open"), *self.audit(self.near, "close")]
        far = [*self.audit(self.far, "open"), *self.audit(self.far, "close")]
        told = {(line["event"], line["session"]): line for line in far}
        self.assertEqual(len(near), len(told))
        for line in near:
            other = told[line["event"], line["to_session"]]
            self.assertEqual((line["to_zone"], other["from_zone"]), ("madrid", "paris"))
            self.assertEqual(other["from_session"], line["session"])
            self.assertEqual(line["vm"], f"madrid/{other['vm']}")
            self.assertEqual(
                {name: line.get(name) for name in SAME}, {name: other.get(name) for name in SAME}
            )
        more = {line["session"]: line["bytes_down"] for line in self.audit(self.near, "close")}
        for line in self.audit(self.far, "close"):
            more[line["from_session"]] -= line["bytes_down"]
        # paris counts the reply to the opening of the web socket, too, and the names of others that
        # madrid writes behind the desktop's
        self.assertLessEqual(max(more.values()) - min(more.values()), 64, more)


class ViewOnlyTests(PairCase):
    def assertLooksOnly(self, looker: Viewer, typist: Viewer) -> None:
        """Press keys in vain as one user, and see those of another one."""
        typist.key_until_pixel(ord("1"), KEY_COLOURS["1"])
        looker.wait_for_pixel(KEY_COLOURS["1"])
        looker.key(ord("4"))
        for _ in range(10):
            time.sleep(0.05)
            self.assertEqual(looker.pixel(), KEY_COLOURS["1"])
        typist.key_until_pixel(ord("2"), KEY_COLOURS["2"])
        looker.wait_for_pixel(KEY_COLOURS["2"])

    def test_a_link_to_look_at_a_machine_of_another_zone(self) -> None:
        self.assertLooksOnly(self.view(policy={"mode": "view-only"}), self.view())

    def test_a_zone_that_lets_users_of_another_one_look_only(self) -> None:
        looking = of_madrid(self.key, more=', mode = "view-only"')
        self.reload(self.far, of_madrid(self.key), looking)
        own = self.far.issue("kvm/web-01", type="xvpvnc")["token"]
        typist = Viewer.connect(self.far.xvp_port, own, host=self.far.host)
        self.addCleanup(typist.close)
        self.assertLooksOnly(self.view(), typist)


class SharingTests(PairCase):
    """The machine's own zone decides who may be there with users of other zones."""

    def own(self, user: str, **policy: Any) -> Viewer:
        """Open the console as a user of the machine's own zone."""
        link = self.far.issue("kvm/web-01", type="xvpvnc", user=user, policy=policy)
        viewer = Viewer.connect(self.far.xvp_port, link["token"], host=self.far.host)
        self.addCleanup(viewer.close)
        return viewer

    def test_a_console_that_is_not_shared_is_so_for_the_users_of_both_zones(self) -> None:
        exclusive = {"sharing": "exclusive"}
        token = self.near.issue("madrid/kvm/web-01", user="ann", policy=exclusive)["token"]
        cookie = self.browse(token, "")
        for _ in range(2):  # its user's next sessions take its place in both zones
            self.browse(token, cookie)
        with self.assertRaises(Refused) as caught:
            self.own("bob")  # it is kept for ann's browser
        self.assertRegex(str(caught.exception), r"^409 Somebody else has had this console open")
        self.view(user="bob", policy={"sharing": "take-over"}).pixel()  # takes what is kept

    def test_users_of_both_zones_take_a_console_over_from_each_other(self) -> None:
        taking = {"sharing": "take-over"}
        for n in (1, 2):
            theirs = self.own("bob", **taking)
            theirs.pixel()
            ours = self.view(user="ann", policy=taking)
            theirs.wait_for_end()
            self.own("carol", **taking).pixel()
            ours.wait_for_end()
            self.assertEqual(self.ended(self.near, n), "taken-over")

    def test_one_of_another_zone_is_refused_in_that_zone_s_words(self) -> None:
        self.own("bob", sharing="take-over").pixel()
        told, code = self.refusal()
        self.assertRegex(told, r"^409 The zone madrid says: Somebody else has had this console")
        self.assertEqual(code, "console-occupied")


class SilenceTests(PairCase):
    def setUp(self) -> None:
        super().setUp()
        for gateway in (self.near, self.far):
            pings = "[timeouts]\nping_interval = 1\nping_timeout = 3\nlinger = 1\n[public]"
            self.reload(gateway, "[public]", pings)

    def test_a_link_that_is_silently_dead_is_noticed_by_both(self) -> None:
        viewer = self.view()
        viewer.wait_for_pixel(viewer.pixel())
        self.addCleanup(self.plug, True)
        self.plug(False)
        self.assertEnded("connection-lost")
        details = [self.audit(each, "close")[0]["detail"] for each in (self.near, self.far)]
        self.assertIn("no answer of the zone to a ping", details[0])
        self.assertIn("no answer to a ping", details[1])
        viewer.wait_for_end()

        told, code = self.refusal()
        self.assertIn("The zone madrid cannot be reached.", told)
        self.assertEqual(code, "zone-unreachable")
        self.plug(True)
        viewer = eventually(self.view_or_none)
        viewer.wait_for_pixel(viewer.pixel())

    def view_or_none(self) -> Viewer | None:
        try:
            return self.view()
        except Refused:
            return None

    def plug(self, there: bool) -> None:
        """Plug the proxy of madrid into the network between the zones, or pull it out."""
        outer = f"{self.madrid.proxy_space}f"
        bridge = ip("-o", "link", "show", f"{self.paris.proxy_space}f").partition("master ")[2]
        ip("link", "set", outer, *(("master", bridge.split()[0]) if there else ("nomaster",)))


class CountedOnceTests(PairCase):
    def test_limits_count_once_and_pings_over_the_border_are_no_use_of_a_console(self) -> None:
        self.reload(self.far, "[public]", "[timeouts]\nping_interval = 1\n[public]")
        idle = self.view(user="idle", policy={"idle_timeout": 3})
        token = self.near.issue("madrid/kvm/web-01", policy={"max_duration": 9})["token"]
        cookie = self.browse(token, "")
        idle.wait_for_end()
        self.browse(token, cookie, stay=True)
        for gateway in (self.near, self.far):
            last = gateway.audit_of("close", user="idle")
            self.assertEqual(last["reason"], "idle-limit")
        self.ended(self.near, 3)
        self.assertEqual(self.ended(self.far, 3), "time-limit")
        # a limit that began anew would be 9 seconds there
        self.assertLess(self.audit(self.far, "close")[2]["seconds"], 8)


class RefusedTests(PairCase):
    def test_a_zone_that_is_configured_no_more_when_the_link_is_opened(self) -> None:
        token = self.near.issue("madrid/kvm/web-01", type="xvpvnc")["token"]
        self.reload(self.near, "[zones.madrid]", "[zones.rome]")
        with self.assertRaises(Refused) as caught:
            Viewer.connect(self.near.xvp_port, token, host=self.near.host)
        self.assertIn(
            "There is no backend and no zone madrid here any more.", str(caught.exception)
        )
        line = eventually(lambda: self.audit(self.near, "refuse"))[0]
        self.assertEqual(line["reason"], "vm-not-found")
        self.assertEqual(line["detail"], "no backend and no zone 'madrid' is configured")

    def test_a_policy_that_madrid_cannot_enforce(self) -> None:
        wanted = {"vm": "kvm/web-01", "sub": "alice", "session": "7f3a", "via": ("paris",)}
        now = time.time()
        asked = new_request(Act.TOKEN, "paris", "madrid", now, policy=Policy(record=True), **wanted)
        request = urllib.request.Request(
            f"http://{self.far.host}:{self.far.api_port}/v1/zones/tokens",
            method="POST",
            headers={"Authorization": f"Bearer {sign(asked, self.key)}"},
        )
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=60)
        answer = caught.exception.read().decode()
        self.assertEqual(caught.exception.code, 403)
        self.assertIn("zone-policy-refused", answer)
        self.assertIn("record: true is not enforced", answer)
        self.assertIn("zone request refused: zone-policy-refused", self.far.log())


class MovedTests(PairCase):
    def test_a_machine_that_moved_within_the_other_zone_is_found_by_the_same_link(self) -> None:
        token = self.near.issue("madrid/kvm/web-01", type="xvpvnc", policy={"uses": 2})["token"]
        before = Viewer.connect(self.near.xvp_port, token, host=self.near.host)
        self.addCleanup(before.close)
        before.key(ord("2"))
        before.wait_for_pixel(KEY_COLOURS["2"])
        self.madrid.start_guest(1)
        self.addCleanup(self.madrid.stop_guest, 1)
        address = f'address = "{self.madrid.hypervisor}:5900"'
        self.reload(self.far, address, address.replace("5900", "5901"))
        after = Viewer.connect(self.near.xvp_port, token, host=self.near.host)
        self.addCleanup(after.close)
        after.wait_for_pixel(START_COLOUR)
