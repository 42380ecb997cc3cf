"""Real proxies whose wall clock is wrong, or is set while sessions are open."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.components.faketime import SetClock
from tests.components.gateway import Gateway
from tests.components.process_case import LIMIT, SILENT, ProcessTestCase
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer, read
from tests.doubles.frames import PING, frames, masked

HOUR = 3600


class ClockTestCase(ProcessTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = SetClock(self.folder)

    def proxy(self, config: str = "") -> Gateway:
        gateway = Gateway(SILENT.format(address=self.console.address) + config)
        self.addCleanup(gateway.stop)
        gateway.environment = self.clock.environment()
        return gateway.start()

    def wall_clock_is(self, gateway: Gateway, ahead: int) -> None:
        """Make sure that the process sees the clock as it was set."""
        issued = gateway.issue("lab/web-01")["issued_at"]
        seen = time.mktime(time.strptime(issued, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        self.assertLess(abs(seen - time.time() - ahead), 30)

    def view(self, gateway: Gateway, **policy: Any) -> Viewer:
        """Open the console through a proxy, in the steps of both sides."""
        issued = gateway.issue("lab/web-01", type="xvpvnc", policy=policy)
        asking = socket.create_connection(("127.0.0.1", gateway.xvp_port), LIMIT)
        asking.sendall(f"CONNECT /console?token={issued['token']} HTTP/1.0\r\n\r\n".encode())
        with self.console.viewed() as hypervisor:
            self.hypervisor = hypervisor.dup()
        self.addCleanup(self.hypervisor.close)
        self.assertEqual(read(asking, 19), b"HTTP/1.1 200 OK\r\n\r\n")
        viewer = Viewer(asking)
        self.addCleanup(viewer.close)
        viewer.greet()
        return viewer

    def reasons(self, gateway: Gateway, count: int) -> set[str]:
        """Return why so many sessions have ended, once they have."""
        give_up = time.monotonic() + LIMIT
        while len(closed := gateway.audit("close")) < count and time.monotonic() < give_up:
            time.sleep(0.1)
        return {line["reason"] for line in closed}

    def seconds_until_end(self, viewer: Viewer, begun: float) -> float:
        viewer.wait_for_end()
        return time.monotonic() - begun


class WrongClockTests(ClockTestCase):
    """A proxy whose clock is not that of Redis."""

    def setUp(self) -> None:
        super().setUp()
        self.redis = RedisServer()
        self.addCleanup(self.redis.remove)
        self.redis.start()

    def test_the_longest_duration_is_as_long_as_it_says(self) -> None:
        for ahead in (0, 120, -120):
            self.clock.set(ahead)
            gateway = self.proxy(
                f'[tokens]\nstore = "redis"\n[redis]\nport = {self.redis.port}\ntimeout = 2\n'
            )
            self.wall_clock_is(gateway, ahead)
            begun = time.monotonic()

            lasted = self.seconds_until_end(self.view(gateway, max_duration=4), begun)

            self.assertGreater(lasted, 2.9, ahead)
            self.assertLess(lasted, 30, ahead)
            self.assertEqual(self.reasons(gateway, 1), {"time-limit"})


class SteppedClockTests(ClockTestCase):
    def test_a_clock_that_is_set_back_stops_no_timer(self) -> None:
        gateway = self.proxy()
        begun = time.monotonic()
        duration = self.view(gateway, max_duration=6)
        self.clock.set(-HOUR)
        self.wall_clock_is(gateway, -HOUR)
        idle = self.view(gateway, idle_timeout=3)

        self.assertLess(self.seconds_until_end(idle, begun), 40)
        self.assertLess(self.seconds_until_end(duration, begun), 40)

        self.assertEqual(self.reasons(gateway, 2), {"idle-limit", "time-limit"})

    def test_a_clock_that_is_set_forward_ends_no_session(self) -> None:
        gateway = self.proxy()
        viewer = self.view(gateway, max_duration=8, idle_timeout=600)
        self.clock.set(HOUR)
        self.wall_clock_is(gateway, HOUR)
        begun = time.monotonic()
        time.sleep(3)
        self.assertEqual(gateway.audit("close"), [])

        self.seconds_until_end(viewer, begun)

        self.assertEqual(self.reasons(gateway, 1), {"time-limit"})
        (closed,) = gateway.audit("close")
        self.assertLess(abs(closed["seconds"] - 8), 5)

    def test_hours_are_those_of_the_clock_as_it_is_set(self) -> None:
        gateway = self.proxy()
        # an idle limit is looked at each second, and the hours with it
        policy = {"not_after": time.time() + HOUR / 2, "idle_timeout": 600}
        viewer = self.view(gateway, **policy)
        self.clock.set(HOUR)
        viewer.wait_for_end()

        self.assertEqual(self.reasons(gateway, 1), {"time-limit"})
        self.assertEqual(self.refused(gateway, **policy), "403 This console was open until")
        self.clock.set(0)
        self.view(gateway, **policy)

    def refused(self, gateway: Gateway, **policy: Any) -> str:
        """Return the beginning of what a viewer is told whose link is not good now."""
        token = gateway.issue("lab/web-01", type="xvpvnc", policy=policy)["token"]
        with self.assertRaises(Refused) as caught:
            Viewer.connect(gateway.xvp_port, str(token))
        return " ".join(str(caught.exception).split()[:6])

    def test_tokens_and_cookies_in_memory_live_as_long_as_they_say(self) -> None:
        gateway = self.proxy()
        token = gateway.issue("lab/web-01", ttl=60)["token"]
        for step in (HOUR, -HOUR):
            self.clock.set(step)
            self.wall_clock_is(gateway, step)
        with self.browsing(gateway, token) as browser:
            cookie = browser.cookie
        self.clock.set(10 * HOUR)
        self.wall_clock_is(gateway, 10 * HOUR)
        with self.browsing(gateway, token, f"Cookie: {cookie}\r\n") as browser:
            self.assertIn(b"test", browser.screen)

    def test_pings_go_on_when_the_clock_is_set_back(self) -> None:
        gateway = self.proxy("[timeouts]\nping_interval = 1\n")
        with self.browsing(gateway, gateway.issue("lab/web-01")["token"]) as browser:
            self.clock.set(-HOUR)
            self.wall_clock_is(gateway, -HOUR)
            browser.connection.settimeout(20)
            self.assertIn((PING, b""), frames(browser.connection.recv(100)))
            browser.connection.sendall(masked(0x8A))
            self.assertIn((PING, b""), frames(browser.connection.recv(100)))

    @contextmanager
    def browsing(self, gateway: Gateway, token: str, header: str = "") -> Iterator[Browser]:
        """Open the console as a browser does."""
        connection = socket.create_connection(("127.0.0.1", gateway.web_port), LIMIT)
        with connection:
            connection.sendall(
                f"GET /websockify?token={token} HTTP/1.1\r\nHost: localhost\r\n{header}"
                "Origin: http://localhost\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            with self.console.viewed() as console:
                connection.sendall(masked(0x82, b"RFB 003.008\n\x01\x01"))
                yield Browser(connection)
                connection.close()
                while console.recv(4096):  # a console that closes first is dialled, to find out why
                    pass


class Browser:
    """A browser that has the console."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.screen = b""
        while b"test" not in self.screen:
            received = connection.recv(65536)
            assert received, self.screen
            self.screen += received

    @property
    def cookie(self) -> str:
        lines = self.screen.split(b"\r\n")
        (line,) = [line for line in lines if line.lower().startswith(b"set-cookie: ")]
        return line.partition(b": ")[2].partition(b";")[0].decode()
