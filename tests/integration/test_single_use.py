"""One use of a token shows one console, through however many proxies it is tried."""

from __future__ import annotations

import re
import socket
import time

from tests.components.gateway import Gateway
from tests.components.process_case import LIMIT, SILENT, ProcessTestCase
from tests.components.redis_server import RedisServer
from tests.doubles.frames import masked

HELLO = b"RFB 003.008\n\x01\x01"
SUPERSEDED = (4114).to_bytes(2, "big")


class SingleUseTests(ProcessTestCase):
    def setUp(self) -> None:
        super().setUp()
        redis = RedisServer()
        self.addCleanup(redis.remove)
        redis.start()
        config = (
            SILENT.format(address=self.console.address)
            + f'[tokens]\nstore = "redis"\n[redis]\nport = {redis.port}\ntimeout = 2\n'
            + "[timeouts]\nlinger = 2\n[limits]\nsessions_per_vm = 1\n"
        )
        self.proxies = [Gateway(config) for _ in range(2)]
        for proxy in self.proxies:
            self.addCleanup(proxy.stop)
            proxy.start()

    def ask(self, proxy: Gateway, token: str, cookie: str = "") -> socket.socket:
        """Request an upgrade as a browser does."""
        browser = socket.create_connection(("127.0.0.1", proxy.web_port), LIMIT)
        self.addCleanup(browser.close)
        header = f"Cookie: {cookie}\r\n" if cookie else ""
        browser.sendall(
            f"GET /websockify?token={token} HTTP/1.1\r\nHost: localhost\r\n{header}"
            "Origin: http://localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return browser

    def read_until(self, browser: socket.socket, what: bytes) -> bytes:
        received = b""
        while what not in received:
            more = browser.recv(65536)
            assert more, received
            received += more
        return received

    def live(self) -> int:
        """Return the sessions of all proxies, as one of them lists them."""
        return len(self.proxies[0].call("GET", "/v1/sessions")[1]["sessions"])

    def cookie_of(self, answer: bytes) -> str:
        found = re.search(rb"(?i)set-cookie: ([^;]+)", answer)
        assert found is not None, answer
        return found[1].decode()

    def test_a_try_that_stays_silent_gives_no_use_back_to_another(self) -> None:
        one, other = self.proxies
        token = one.issue("lab/web-01")["token"]
        silent = self.ask(one, token)
        with self.console.viewed():
            cookie = self.cookie_of(self.read_until(silent, b"RFB 003.008"))
            watching = self.ask(other, token, cookie)
            with self.console.viewed():
                watching.sendall(masked(0x82, HELLO))
                self.read_until(watching, b"test")

                silent.sendall(masked(0x82, HELLO))  # now it goes through the greeting
                told = self.read_until(silent, SUPERSEDED)
                self.assertNotIn(b"test", told)
                silent.close()

                for proxy in self.proxies:
                    for again in ("", cookie):
                        refused = self.ask(proxy, token, again)
                        refused.sendall(masked(0x82, b"RFB 003.008\n"))
                        self.read_until(refused, b"not valid any more")
                give_up = time.monotonic() + LIMIT
                while self.live() != 1 and time.monotonic() < give_up:
                    time.sleep(0.1)
                self.assertEqual(self.live(), 1)

    def test_a_session_whose_network_vanished_keeps_its_user_not_out(self) -> None:
        proxy = self.proxies[0]
        token = proxy.issue("lab/web-01")["token"]
        vanished = self.ask(proxy, token)
        with self.console.viewed():
            vanished.sendall(masked(0x82, HELLO))
            cookie = self.cookie_of(self.read_until(vanished, b"test"))

            again = self.ask(proxy, token, cookie)
            with self.console.viewed():
                again.sendall(masked(0x82, HELLO))
                self.read_until(again, b"test")

                self.read_until(vanished, SUPERSEDED)
                self.assertEqual(self.live(), 1)
                self.assertEqual(proxy.audit_of("close")["reason"], "superseded")
                self.assertEqual(len(proxy.audit("close")), 1)

    def test_a_session_ends_when_its_browser_enters_again_at_another_proxy(self) -> None:
        one, other = self.proxies
        token = one.issue("lab/web-01")["token"]
        older = self.ask(one, token)
        with self.console.viewed():
            older.sendall(masked(0x82, HELLO))
            cookie = self.cookie_of(self.read_until(older, b"test"))

            newer = self.ask(other, token, cookie)
            with self.console.viewed():
                newer.sendall(masked(0x82, HELLO))
                self.read_until(newer, b"test")

                self.read_until(older, SUPERSEDED)
                self.assertEqual(one.audit_of("close")["reason"], "superseded")
                self.assertEqual(len(one.audit("close")), 1)
                self.assertEqual(other.audit("close"), [])
