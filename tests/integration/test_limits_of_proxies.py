"""Limits of sessions through two real proxies: what users are told, and where there is room."""

from __future__ import annotations

import os
import re
import signal
import socket
import time

from tests.components.cluster_case import ClusterCase
from tests.components.gateway import Gateway
from tests.components.viewer import Refused, Viewer
from tests.doubles.frames import masked

SUPERSEDED = (4114).to_bytes(2, "big")


class LimitTests(ClusterCase):
    def refused(self, proxy: Gateway, token: str, sentence: str) -> None:
        with self.assertRaises(Refused) as caught:
            Viewer.connect(proxy.xvp_port, token)
        self.assertEqual(str(caught.exception), f"503 {sentence}")

    def issue(self, proxy: Gateway, vm: str = "lab/web-01", user: str = "alice") -> str:
        token: str = proxy.issue(vm, user=user, type="xvpvnc")["token"]
        return token

    def until_open(self, proxy: Gateway, token: str) -> Viewer:
        """Try a link until there is room."""

        def opened() -> Viewer | None:
            try:
                return self.view(proxy, token)
            except Refused:
                time.sleep(0.2)
                return None

        viewer: Viewer = self.until(opened)
        return viewer

    def browse(self, proxy: Gateway, token: str, cookie: str = "") -> tuple[socket.socket, str]:
        """Open a console as a browser does; returns its resume cookie."""
        browser = socket.create_connection(("127.0.0.1", proxy.web_port), 60)
        self.addCleanup(browser.close)
        header = f"Cookie: {cookie}\r\n" if cookie else ""
        browser.sendall(
            f"GET /websockify?token={token} HTTP/1.1\r\nHost: localhost\r\n{header}"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            + masked(0x82, b"RFB 003.008\n\x01\x01")
        )
        answer = self.read_until(browser, b"RFB 003.008")
        found = re.search(rb"(?i)set-cookie: ([^;]+)", answer)
        return browser, found[1].decode() if found else cookie

    def read_until(self, browser: socket.socket, what: bytes) -> bytes:
        received = b""
        while what not in received:
            more = browser.recv(65536)
            assert more, received
            received += more
        return received

    def test_a_machine_is_open_as_often_as_the_limit_says_in_all_proxies(self) -> None:
        limits = "[limits]\nsessions_per_vm = 2\nsessions_per_user = 3\n"
        north, south = self.proxy("north", limits), self.proxy("south", limits)
        viewers = [self.view(proxy, self.issue(proxy)) for proxy in (north, south)]
        token = self.issue(south)
        many = "Too many people have this console open. Try again later."
        for proxy in (north, south):
            self.refused(proxy, token, many)
        self.view(north, self.issue(north, "lab/db-01"))
        yours = "You have too many consoles open. Close one and try again."
        self.refused(south, self.issue(south, "other/web-01"), yours)
        self.view(south, self.issue(south, "other/web-01", "bob"))
        of_vm = "2 sessions of lab/web-01, limits.sessions_per_vm"
        of_user = "3 sessions of user alice, limits.sessions_per_user"
        for proxy, vm, detail in (
            (north, "lab/web-01", of_vm),
            (south, "lab/web-01", of_vm),
            (south, "other/web-01", of_user),
        ):
            line = proxy.audit_of("refuse", vm=vm, user="alice")
            self.assertEqual(line["detail"], detail)

        viewers[0].close()
        self.until_open(south, token)  # the link was not used up

        # a lower limit ends no session, and lets none begin
        north.config.write_text(
            north.config.read_text().replace("sessions_per_vm = 2", "sessions_per_vm = 1")
        )
        os.kill(north.pid, signal.SIGHUP)
        self.until(lambda: "configuration reloaded" in north.log())
        viewers[1].close()
        self.until_listed(south, 1, "?vm=lab/web-01")
        token = self.issue(north)
        self.refused(north, token, many)
        self.until_open(south, token)  # whose limit is 2

    def test_a_browser_that_enters_elsewhere_takes_the_place_of_its_older_session(self) -> None:
        limits = "[limits]\nsessions_per_vm = 1\n"
        north, south = self.proxy("north", limits), self.proxy("south", limits)
        token = north.issue("lab/web-01", user="alice")["token"]
        older, cookie = self.browse(north, token)
        self.until_listed(north, 1)
        newer, cookie = self.browse(south, token, cookie)
        self.read_until(older, SUPERSEDED)
        self.until_listed(south, 1)
        self.assertEqual(north.audit_of("close")["reason"], "superseded")
        self.browse(north, token, cookie)
        self.read_until(newer, SUPERSEDED)
        self.until_listed(north, 1)
        with self.assertRaises(Refused):
            self.view(south, self.issue(south))

    def test_sessions_of_a_killed_proxy_count_for_fifteen_seconds_more(self) -> None:
        limits = "[limits]\nsessions_per_vm = 1\n"
        north, south = self.proxy("north", limits), self.proxy("south", limits)
        self.view(north, self.issue(north))
        token = self.issue(south)
        os.kill(north.pid, signal.SIGKILL)
        killed = time.monotonic()
        with self.assertRaises(Refused):
            self.view(south, token)
        self.until_open(south, token)
        self.assertGreater(time.monotonic() - killed, 5)
