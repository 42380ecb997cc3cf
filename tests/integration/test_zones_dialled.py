"""A zone that accepts no connection of the other one: it keeps links, over which it is asked."""

from __future__ import annotations

import atexit
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.dialled_zones import DialledZones
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.viewer import Refused, Viewer
from tests.components.workers import LIMIT
from tests.components.zones import reaches
from vncproxy.zones.keys import PrivateKey

MACHINE = "madrid/kvm/web-01"

LINKS = 2


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that takes a moment, without keeping the proxies busy."""
    give_up = time.monotonic() + LIMIT
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError(f"not within {LIMIT:g} s: {what}")
        time.sleep(0.1)


@cache
def shared_zones() -> DialledZones:
    """Return the zones that this test run shares."""
    made = DialledZones()
    atexit.register(made.zones.stop)
    return made


class DialledCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.shared = shared = shared_zones()
        self.first, self.second, self.far = shared.first, shared.second, shared.far
        self.wait_for_links()

    def links(self, gateway: Gateway, zone: str) -> int:
        """Return the links with a zone that one of its proxies knows of."""
        proxies = gateway.call("GET", "/v1/proxies")[1].get("proxies", [])
        return sum(each.get("links", {}).get(zone, {}).get("count", 0) for each in proxies)

    def wait_for_links(self) -> None:
        """Wait until all stand; a proxy that was killed has its own in Redis for some seconds."""
        until(lambda: self.links(self.far, "paris") == LINKS, "links of madrid")
        until(lambda: self.links(self.second, "madrid") >= LINKS, "links to paris")

    def wait_for_loss(self) -> None:
        """Wait until paris knows of none."""
        until(lambda: self.links(self.second, "madrid") == 0, "no link")

    def view(self, gateway: Gateway, vm: str = MACHINE, **more: Any) -> Viewer:
        token = gateway.issue(vm, type="xvpvnc", **more)["token"]
        viewer = Viewer.connect(gateway.xvp_port, token, host=gateway.host)
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, gateway: Gateway) -> str:
        """Try to open a console; returns what the user reads."""
        with self.assertRaises(Refused) as caught:
            self.view(gateway)
        return str(caught.exception)

    def assertTypes(self, viewer: Viewer, key: str) -> None:
        viewer.key(ord(key))
        viewer.wait_for_pixel(KEY_COLOURS[key])

    def change(self, gateway: Gateway, before: str, after: str) -> None:
        """Change a configuration until the end of the test."""
        text = gateway.config.read_text()
        self.assertIn(before, text)
        self.addCleanup(self.apply, gateway, text)
        self.apply(gateway, text.replace(before, after))

    def apply(self, gateway: Gateway, text: str) -> None:
        reloads = gateway.log().count("configuration reloaded")
        gateway.config.write_text(text)
        gateway.signal_reload()
        until(lambda: gateway.log().count("configuration reloaded") > reloads, "a reload")

    def assertLogged(self, gateway: Gateway, pattern: str, since: int = 0) -> None:
        until(lambda: re.search(pattern, gateway.log()[since:]), pattern)


class ConsoleTests(DialledCase):
    def test_consoles_are_opened_through_every_process(self) -> None:
        space = self.shared.paris[0].proxy_space
        for port in (443, 6081, 6443):
            self.assertFalse(reaches(space, self.shared.madrid.address, port))
        viewers = [self.view(each) for each in 3 * [self.first] + 3 * [self.second]]
        for viewer, key in zip(viewers, 3 * "12", strict=True):
            self.assertTypes(viewer, key)
        # each tunnel arrives at one of three processes, whichever expects it
        logs = self.first.log() + self.second.log()
        self.assertIn("a tunnel of zone madrid passes here to 10.198.0.1", logs)

    def test_the_zone_that_dials_opens_consoles_of_the_other_one(self) -> None:
        viewer = self.view(self.far, "paris/kvm/web-01")
        viewer.wait_for_pixel(START_COLOUR)
        self.assertTypes(viewer, "1")

    def test_both_sides_know_the_user_and_the_session_of_the_other(self) -> None:
        self.view(self.second, user="carol").close()
        told, near = (self.opened_by("carol", each) for each in (self.far, self.second))
        self.assertEqual((told["from_zone"], told["from_session"]), ("paris", near["session"]))
        self.assertEqual((near["to_zone"], near["to_session"]), ("madrid", told["session"]))
        self.assertEqual((told["user"], told["client"]), ("carol", near["client"]))

    def test_ends_cross_links_with_their_reason(self) -> None:
        for number, ending in enumerate((self.second, self.far)):
            user = f"user{number}"
            viewer = self.view(self.second, user=user)
            session = self.opened_by(user, ending)["session"]
            ending.call("DELETE", f"/v1/sessions/{session}")
            viewer.wait_for_end()
            for gateway in (self.second, self.far):
                line = self.opened_by(user, gateway, "close")
                self.assertEqual(line["reason"], "ended-by-administrator")

    def opened_by(self, user: str, gateway: Gateway, event: str = "open") -> dict[str, Any]:
        """Return the audit line about the console that a user has opened, or its close."""
        found: list[dict[str, Any]] = []

        def read() -> bool:
            found[:] = [line for line in gateway.audit(event) if line["user"] == user]
            return bool(found)

        until(read, f"a console of {user}")
        return found[-1]

    def test_a_viewer_that_does_not_read_delays_no_other(self) -> None:
        slow = self.view(self.second)
        request = b"\x03\x00" + bytes(4) + (0xFFFF).to_bytes(2, "big") * 2
        slow.send(400 * request)
        self.assertTypes(self.view(self.second), "2")

    def test_check_config_tries_a_link_and_counts_those_of_running_proxies(self) -> None:
        line = self.checked(self.far, "zone paris")
        self.assertRegex(
            line, r"^ok .*at https://10\.198\.0\.1:443/: proxy paris-\d, .* a link in "
        )
        line = self.checked(self.second, "zone madrid")
        self.assertRegex(line, r"^ok .*has links to paris-\d \(\d\)")

    def checked(self, gateway: Gateway, words: str) -> str:
        program = Path(sys.executable).with_name("vncproxy")
        command = [*gateway.launcher, str(program), "check-config", "--config"]
        done = subprocess.run(
            [*command, str(gateway.config)], capture_output=True, text=True, check=False
        )
        found = [
            line for line in done.stdout.splitlines() if words in line and "backends" not in line
        ]
        self.assertTrue(found, done.stdout + done.stderr)
        return found[0]


class LossTests(DialledCase):
    def test_a_proxy_that_is_dialled_is_killed(self) -> None:
        self.addCleanup(self.first.start)
        self.first.kill()
        self.wait_for_links()
        viewers: list[Viewer] = []
        until(lambda: self.opened(self.second, viewers), "a console by a link that stands")
        self.assertTypes(viewers[0], "1")

    def opened(self, gateway: Gateway, viewers: list[Viewer]) -> bool:
        """Try to open a console; the link that is asked first may be that of a killed process."""
        try:
            viewers.append(self.view(gateway))
        except Refused:
            return False
        return True

    def test_the_proxy_that_dials_is_killed(self) -> None:
        viewer = self.view(self.second)
        self.far.kill()
        viewer.wait_for_end()
        self.wait_for_loss()
        told = self.refusal(self.second)
        self.assertRegex(told, r"^503 The zone madrid is not connected since 20.* UTC\.")
        self.far.start()
        self.wait_for_links()
        self.assertTypes(self.view(self.second), "1")

    def test_a_cut_that_nobody_announces(self) -> None:
        since = len(self.far.log())
        with self.shared.cut():
            self.wait_for_loss()
            self.assertIn("The zone madrid is not connected", self.refusal(self.second))
            self.assertLogged(self.far, r"is lost after .*nothing was received for \d+ s", since)
        self.wait_for_links()
        self.assertTypes(self.view(self.second), "2")

    def test_links_outlive_redis(self) -> None:
        made = self.far.log().count("a link to https")
        self.shared.redis.stop()
        self.shared.redis.start()
        self.wait_for_links()
        until(lambda: self.first.call("GET", "/readyz")[0] == 200, "redis is back")
        self.assertTypes(self.view(self.first), "1")
        self.assertEqual(self.far.log().count("a link to https"), made)


class KeyTests(DialledCase):
    def test_a_key_that_is_not_accepted_and_the_pauses_between_attempts(self) -> None:
        since, key = len(self.far.log()), self.shared.of_madrid.secret_text()
        self.change(self.far, key, PrivateKey.new().secret_text())
        self.wait_for_loss()
        told = r"zone-key-refused: .*; the next attempt follows within {} s"
        for pause in ("0.5", "1.0", "2.0"):
            self.assertLogged(self.far, told.format(re.escape(pause)), since)
        self.assertRegex(
            self.second.log() + self.first.log(), "zone link [0-9a-f]+ from .*zone-key-refused"
        )
        self.assertIn("The zone madrid is not connected since", self.refusal(self.second))
        (proxy,) = self.far.call("GET", "/v1/proxies")[1]["proxies"]
        self.assertEqual(proxy["links"]["paris"]["count"], 0)
        self.assertIn("does not accept the key", proxy["links"]["paris"]["problem"])

    def test_a_key_that_expires_ends_the_links(self) -> None:
        public = self.shared.of_madrid.public
        over = f'{{ key = "{public}", until = 2020-01-01 }}'
        since = len(self.far.log())
        for gateway in (self.first, self.second):
            self.change(gateway, f'"{public}"', over)
        self.assertLogged(self.far, "is lost after .*has expired", since)
        self.assertLogged(self.far, "zone-key-expired: ", since)
        self.wait_for_loss()

    def test_a_zone_that_may_not_dial(self) -> None:
        since = len(self.far.log())
        for gateway in (self.first, self.second):
            self.change(gateway, 'dial = "them"\ntimeout = 10.0\nkey', "#")
        self.assertLogged(self.far, "zone-forbidden: .*has not dial", since)
