"""Consoles across a border: proxies in namespaces of their own, a real guest in the far one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.components.certificates import Authority
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.pictures import wait_for_colour
from tests.components.zone_pair import (
    WITHIN,
    PairCase,
    accept,
    of_madrid,
    shared_zones,
)
from tests.components.zones import reaches
from vncproxy.zones.keys import PrivateKey


class BorderTests(PairCase):
    def test_a_viewer_types_into_a_guest_of_another_zone(self) -> None:
        hypervisor = self.madrid.hypervisor
        self.assertTrue(reaches(self.madrid.proxy_space, hypervisor, 5900))
        self.assertFalse(reaches(self.paris.proxy_space, hypervisor, 5900))

        viewer = self.view(policy={"max_duration": 600})
        viewer.wait_for_pixel(START_COLOUR)
        viewer.key(ord("1"))
        viewer.wait_for_pixel(KEY_COLOURS["1"])

        opened, told = self.opened(self.near, 1), self.opened(self.far, 1)
        self.assertEqual(opened["to_zone"], "madrid")
        self.assertEqual(opened["to_session"], told["session"])
        self.assertEqual(told["from_zone"], "paris")
        self.assertEqual(told["from_session"], opened["session"])
        self.assertEqual((opened["user"], told["user"]), ("alice", "alice"))
        self.assertEqual((opened["vm"], told["vm"]), ("madrid/kvm/web-01", "kvm/web-01"))
        self.assertEqual(told["client"], opened["client"])

    def test_a_screenshot_is_taken_in_the_machines_own_zone(self) -> None:
        wait_for_colour(self.far, "kvm/web-01", START_COLOUR)
        status, answer = self.near.call("GET", "/v1/screenshot?vm=madrid/kvm/web-01")
        self.assertEqual((status, answer["error"]["code"]), (421, "at-another-proxy"))
        self.assertIn("in the zone madrid. Ask a proxy there", answer["error"]["message"])

    def test_both_zones_list_the_session_and_the_zones(self) -> None:
        self.view()
        session, there = self.opened(self.near, 1), self.opened(self.far, 1)
        for gateway, query, zone, id_, expected in (
            (self.near, "to_zone=madrid", "to_zone", "to_session", session),
            (self.far, "from_zone=paris", "from_zone", "from_session", there),
        ):
            found = gateway.call("GET", f"/v1/sessions?{query}")[1]["sessions"]
            self.assertEqual([each["id"] for each in found], [expected["session"]])
            self.assertEqual(found[0][zone], query.partition("=")[2])
            self.assertEqual(found[0][id_], expected[id_])
            other = query.replace("madrid", "oslo").replace("paris", "oslo")
            self.assertEqual(gateway.call("GET", f"/v1/sessions?{other}")[1]["sessions"], [])
        (near,) = self.near.call("GET", "/v1/proxies")[1]["proxies"]
        (far,) = self.far.call("GET", "/v1/proxies")[1]["proxies"]
        self.assertEqual((near["asks"], near.get("accepts")), (["madrid"], None))
        self.assertEqual((far["asks"], far["accepts"]), (["paris", "tokyo"], ["paris"]))

    def test_ends_cross_the_border_with_their_reason(self) -> None:
        for count, ending in enumerate((self.near, self.far), 1):
            self.view()
            session = self.opened(ending, count)["session"]
            since = time.monotonic()
            ending.call("DELETE", f"/v1/sessions/{session}")
            self.assertEnded("ended-by-administrator", count)
            self.assertLess(time.monotonic() - since, 5 * WITHIN)

    def test_a_revoked_token_and_a_viewer_that_leaves_end_both(self) -> None:
        viewer = self.view()
        self.near.call("DELETE", "/v1/tokens?user=alice")
        viewer.wait_for_end()
        self.assertEnded("ended-by-administrator")
        self.view().close()
        self.assertEnded("client-gone", 2)

    def test_a_browser_that_reloads_the_page_gets_another_token_of_the_zone(self) -> None:
        token = self.near.issue("madrid/kvm/web-01", policy={"max_duration": 600})["token"]
        cookie = self.browse(token, "")
        self.assertEnded("client-gone")
        again = self.browse(token, cookie)
        self.assertEnded("client-gone", 2)
        self.assertEqual(again, "")
        first, second = (self.opened(self.far, count) for count in (1, 2))
        self.assertNotEqual(first["token"], second["token"])
        self.assertEqual(
            [line["from_session"] for line in (first, second)],
            [self.opened(self.near, count)["session"] for count in (1, 2)],
        )

    def test_a_limit_of_the_token_and_a_lower_one_of_the_zone(self) -> None:
        self.view(policy={"max_duration": 2}).wait_for_end()
        self.assertEnded("time-limit")
        self.reload(self.far, of_madrid(self.key), of_madrid(self.key, more=", max_duration = 1"))
        begun = time.monotonic()
        self.view(policy={"max_duration": 600}).wait_for_end()
        self.assertEnded("time-limit", 2)
        self.assertLess(time.monotonic() - begun, 60)

    def test_a_guest_that_stops_is_told_as_one(self) -> None:
        viewer = self.view()
        self.addCleanup(self.madrid.start_guest)
        self.madrid.stop_guest()
        viewer.wait_for_end()
        reason = self.ended(self.near, 1)  # lost where QEMU had not read all that came
        self.assertIn(reason, ("console-ended", "connection-lost"))
        self.assertEqual(self.ended(self.far, 1), reason)
        told, code = self.refusal()
        self.assertIn("The zone madrid says: The hypervisor could not be reached.", told)
        self.assertEqual(code, "zone-says")

    def test_a_zone_that_drains_and_one_that_is_away(self) -> None:
        self.addCleanup(self.far.start)
        viewer = self.view()
        (proxy,) = self.far.call("GET", "/v1/proxies")[1]["proxies"]
        self.far.call("POST", f"/v1/proxies/{proxy['id']}/drain")
        told, code = self.refusal()
        self.assertIn("503 The zone madrid takes no new consoles at the moment. Try again", told)
        self.assertEqual(code, "zone-draining")
        self.far.until_logged("zone request refused: zone-draining")

        viewer.close()
        self.far.terminate()
        told, code = self.refusal()
        self.assertIn("502 The zone madrid cannot be reached.", told)
        self.assertEqual(code, "zone-unreachable")

    def test_machines_and_zones_that_are_not_there(self) -> None:
        told, code = self.refusal("madrid/kvm/web-02")
        self.assertIn("The zone madrid says: The virtual machine was not found.", told)
        self.assertEqual(code, "vm-not-found")
        told, code = self.refusal("madrid/esx/web-01")
        self.assertIn("The zone madrid does not show this virtual machine here.", told)
        self.assertEqual(code, "zone-forbidden")
        for vm, more, status, expected in (
            ("oslo/kvm/web-01", {}, 422, "backend-unknown"),
            ("madrid/esx/web-01", {"check": True}, 502, "zone-forbidden"),
            ("madrid/kvm/web-02", {"check": True}, 422, "vm-not-found"),
            ("madrid/kvm/web-01", {"check": True}, 201, None),
        ):
            got, answer = self.near.call("POST", "/v1/tokens", {"vm": vm, "user": "bob", **more})
            found = answer.get("error", {}).get("code")
            self.assertEqual((vm, got, found), (vm, status, expected))


class KeyTests(PairCase):
    def test_a_key_is_changed_without_an_outage(self) -> None:
        viewer, fresh = self.view(), PrivateKey.new()
        self.reload(self.far, of_madrid(self.key), of_madrid(self.key, fresh))
        self.view()
        self.reload(self.near, self.key.secret_text(), fresh.secret_text())
        self.view()
        self.reload(self.far, of_madrid(self.key, fresh), of_madrid(fresh))
        self.view()
        viewer.wait_for_pixel(viewer.pixel())

    def assertRefused(self, sentence: str, expected: str) -> None:
        told, code = self.refusal()
        self.assertIn(sentence, told)
        self.assertEqual(code, expected)
        self.far.until_logged(f"zone request refused: {expected}")

    def test_a_key_that_is_not_accepted(self) -> None:
        self.reload(self.far, of_madrid(self.key), of_madrid(PrivateKey.new()))
        sentence = "The zone madrid does not accept the key of this zone."
        self.assertRefused(sentence, "zone-key-refused")

    def test_a_key_that_has_expired(self) -> None:
        over = f'{{ key = "{self.key.public}", until = 2020-01-01 }}'
        self.reload(self.far, of_madrid(self.key), of_madrid(over))
        sentence = "The key of this zone has expired in the zone madrid."
        self.assertRefused(sentence, "zone-key-expired")

    def test_a_zone_that_is_not_known_there(self) -> None:
        self.reload(self.far, "[zones.paris]", "[zones.rome]")
        self.assertRefused("The zone madrid does not know this zone.", "zone-unknown")

    def test_a_zone_whose_certificate_is_not_trusted(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        other = Authority(folder).ca_file
        self.reload(self.near, self.zones.authority.ca_file, other)
        told, code = self.refusal()
        self.assertIn("The zone madrid could not prove its identity.", told)
        self.assertEqual(code, "zone-untrusted")
        self.near.until_logged("not signed by the trusted authority")

    def test_a_clock_that_is_ten_minutes_off(self) -> None:
        self.addCleanup(shared_zones().clock.set, 0)
        shared_zones().clock.set(600)
        sentence = "The clocks of this zone and of the zone madrid differ too much."
        self.assertRefused(sentence, "zone-clock")
        self.assertRegex(self.far.log(), r"zone-clock: .* (599|60\d) s of difference; 30 s")

    def test_check_config_asks_every_zone(self) -> None:
        program = Path(sys.executable).with_name("vncproxy")
        command = [program, "check-config", "--config", self.near.config]
        done = subprocess.run(
            [*self.near.launcher, *map(str, command)], capture_output=True, text=True, check=False
        )
        (line,) = [line for line in done.stdout.splitlines() if "zone madrid" in line]
        self.assertRegex(
            line,
            r"^ok +zone madrid: zone madrid, vncproxy [\d.]+, answered in \d+ ms, its clock is "
            rf"[\d.]+ s (ahead|behind), key {self.key.id} may open kvm paris tokyo, "
            "at most 1 zones away",
        )


class ThreeZonesTests(PairCase):
    def test_three_in_a_row_open_only_where_all_agree(self) -> None:
        tokyo, key = shared_zones().tokyo, self.key
        last = tokyo.gateway
        tokyo.start_guest()
        last.start()
        told, code = self.refusal("madrid/tokyo/kvm/web-01")
        words = "The zone madrid says: The console is more zones away than the zone tokyo allows."
        self.assertIn(words, told)
        self.assertEqual(code, "zone-says")
        last.until_logged("zone-hop-limit: paris -> madrid -> tokyo: 2 borders")
        self.far.audit_of("refuse", reason="zone-hop-limit")

        told, _ = self.refusal("madrid/paris/kvm/web-01")
        self.assertIn("leads back to the zone paris, in a circle", told)
        self.far.audit_of("refuse", reason="zone-loop")

        self.reload(last, accept(key), accept(key, more=", hops = 2"))
        self.view("madrid/tokyo/kvm/web-01").wait_for_pixel(START_COLOUR)
        line = self.opened(self.far, 1)
        self.assertEqual((line["from_zone"], line["to_zone"]), ("paris", "tokyo"))
        self.assertEqual(self.opened(self.near, 1)["to_session"], line["session"])
        last.audit_of("open", from_session=line["session"])
