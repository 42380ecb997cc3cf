"""Consoles across a border: proxies in namespaces of their own, a real guest in the far one."""

from __future__ import annotations

import atexit
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.faketime import SetClock
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.viewer import Refused, Viewer
from tests.components.zones import Zones, reaches
from tests.doubles.frames import masked
from vncproxy.zones.keys import PrivateKey

WITHIN = 2.0
"""Seconds for an end to cross a border."""

PATIENCE = 30.0


def accept(*keys: PrivateKey | str, backends: str = '"kvm"', more: str = "") -> str:
    """Return what a zone writes to let another one ask."""
    listed = ", ".join(k if isinstance(k, str) else f'"{k.public}"' for k in keys)
    return f"accept = {{ keys = [{listed}], backends = [{backends}]{more} }}\n"


def of_madrid(*keys: PrivateKey | str, more: str = "") -> str:
    """Return what madrid lets paris do."""
    return accept(*keys, backends='"kvm", "paris", "tokyo"', more=more)


def eventually(found: Callable[[], Any]) -> Any:
    """Return what is found as soon as there is something."""
    give_up = time.monotonic() + PATIENCE
    while not (value := found()):
        if time.monotonic() > give_up:
            raise AssertionError("nothing was found")
        time.sleep(0.02)
    return value


class Shared:
    """Paris, which asks; madrid, which has a guest and whose clock can be set; tokyo behind it."""

    def __init__(self) -> None:
        self.zones = Zones("paris", "madrid", "tokyo")
        self.paris, self.madrid, self.tokyo = self.zones.all
        self.key = key = PrivateKey.new()
        self.clock = SetClock(self.zones.folder)
        self.paris.configure(self.madrid.table(key))
        far = self.madrid.configure(
            self.paris.table(key, more=of_madrid(key)) + self.tokyo.table(key)
        )
        self.tokyo.configure(f"[zones.madrid]\n{accept(key)}")
        far.environment = self.clock.environment()
        self.madrid.start_guest()
        for zone in (self.paris, self.madrid):
            zone.gateway.start()


@cache
def shared_zones() -> Shared:
    """Return the zones that this test run shares."""
    made = Shared()
    atexit.register(made.zones.stop)
    return made


def view(near: Gateway, vm: str = "madrid/kvm/web-01", **more: Any) -> Viewer:
    """Open a console through the proxy of a zone."""
    token = near.issue(vm, type="xvpvnc", **more)["token"]
    return Viewer.connect(near.xvp_port, token, host=near.host)


class PairCase(SynchronousTestCase):
    def setUp(self) -> None:
        shared = shared_zones()
        self.zones, self.key = shared.zones, shared.key
        self.paris, self.madrid = shared.paris, shared.madrid
        self.near, self.far = self.paris.gateway, self.madrid.gateway
        self.begun = {gateway: len(gateway.audit()) for gateway in (self.near, self.far)}

    def view(self, vm: str = "madrid/kvm/web-01", **more: Any) -> Viewer:
        viewer = view(self.near, vm, **more)
        self.addCleanup(viewer.close)
        return viewer

    def audit(self, gateway: Gateway, event: str) -> list[dict[str, Any]]:
        """Return the lines of this test."""
        return [line for line in gateway.audit()[self.begun[gateway] :] if line["event"] == event]

    def opened(self, gateway: Gateway, count: int) -> dict[str, Any]:
        """Return the line about the last of so many sessions that have opened."""
        lines: list[dict[str, Any]] = eventually(lambda: self.audit(gateway, "open")[count - 1 :])
        return lines[0]

    def assertEnded(self, reason: str, count: int = 1) -> None:
        """Wait until both sides say that their sessions have ended, and why."""
        self.assertEqual([self.ended(self.near, count), self.ended(self.far, count)], [reason] * 2)

    def ended(self, gateway: Gateway, count: int) -> str:
        """Return why the last of so many sessions has ended."""
        lines = eventually(lambda: self.audit(gateway, "close")[count - 1 :])
        reason: str = lines[0]["reason"]
        return reason

    def refusal(self, vm: str = "madrid/kvm/web-01") -> tuple[str, str]:
        """Try to open a console; returns what the user reads, and the code of the audit line."""
        before = len(self.audit(self.near, "refuse"))
        with self.assertRaises(Refused) as caught:
            self.view(vm)
        line = eventually(lambda: self.audit(self.near, "refuse")[before:])[0]
        self.assertEqual(line["session"], caught.exception.id)
        return str(caught.exception), line["reason"]

    def reload(self, gateway: Gateway, before: str, after: str) -> None:
        """Change a configuration until the end of the test."""
        text = gateway.config.read_text()
        self.assertIn(before, text)
        self.addCleanup(self.apply, gateway, text)
        self.apply(gateway, text.replace(before, after))

    def apply(self, gateway: Gateway, text: str) -> None:
        reloads = gateway.log().count("configuration reloaded")
        gateway.config.write_text(text)
        gateway.signal_reload()
        eventually(lambda: gateway.log().count("configuration reloaded") > reloads)


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

    def browse(self, token: str, cookie: str) -> str:
        """Open a console as a browser does, up to ServerInit, and leave; returns its cookie."""
        context = ssl.create_default_context(cafile=self.zones.authority.ca_file)
        plain = socket.create_connection((self.near.host, self.near.web_port), PATIENCE)
        with context.wrap_socket(plain, server_hostname=self.near.host) as browser:
            lines = [
                f"GET /websockify?token={token} HTTP/1.1",
                *(f"Host: {self.near.host}", f"Origin: https://{self.near.host}"),
                *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                *([f"Cookie: {cookie}"] if cookie else []),
            ]
            browser.sendall("\r\n".join([*lines, "", ""]).encode())
            browser.sendall(masked(0x82, b"RFB 003.008\n\x01\x01"))
            received = b""
            while b"web-01" not in received:  # the name, at the end of ServerInit
                piece = browser.recv(65536)
                self.assertTrue(piece, received)
                received += piece
            browser.sendall(masked(0x88, (1000).to_bytes(2, "big")))
        found = re.search(rb"Set-Cookie: ([^;\r]+)", received)
        return found[1].decode() if found else ""

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
