"""More connections than there are descriptors, against a real process."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.request

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
GUESS = (
    b"GET /?token=a-guess-of-24-characters HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Origin: http://localhost\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LIMIT = 30.0


class CrowdTests(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.connections: list[socket.socket] = []
        self.addCleanup(self.hang_up)

    def start(self, config: str = "", descriptors: int = 256) -> Gateway:
        gateway = Gateway(config)
        gateway.descriptors = descriptors
        gateway.start()
        self.addCleanup(gateway.stop)
        self.gateway = gateway
        return gateway

    def hang_up(self) -> None:
        for connection in self.connections:
            connection.close()

    def crowd(self, number: int, first: bytes) -> list[bytes]:
        """Open connections that stay open, from one address; returns what each is answered."""
        answers = []
        for _ in range(number):
            connection = self.connect()
            self.connections.append(connection)
            try:
                connection.sendall(first)
                answers.append(connection.recv(4096) if first.endswith(b"\r\n\r\n") else b"")
            except OSError:
                answers.append(b"")
        return answers

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        target = ("127.0.0.1", self.gateway.web_port)
        return socket.create_connection(target, LIMIT, source_address=(address, 0))

    def assert_served(self) -> None:
        """Check that a new user and a call of the API are served at once."""
        started = time.monotonic()
        for _ in range(5):
            with self.connect("127.0.0.9") as user:
                user.sendall(REQUEST)
                self.assertTrue(user.recv(4096).startswith(b"HTTP/1.1 200 "))
            url = f"http://127.0.0.1:{self.gateway.api_port}/healthz"
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                self.assertEqual(answer.status, 200)
        self.assertLess(time.monotonic() - started, 5)

    def test_connections_that_are_kept_alive(self) -> None:
        self.start()
        self.crowd(300, REQUEST)

        self.assert_served()
        self.assertIn("limits need 3128 file descriptors, and there are 256", self.gateway.log())

    def test_requests_that_are_never_whole(self) -> None:
        self.start()
        self.crowd(300, b"GET / HTTP/1.1\r\n")

        self.assert_served()

    def test_web_sockets_that_are_refused(self) -> None:
        self.start()
        answers = self.crowd(300, GUESS)

        self.assert_served()
        statuses = [answer[9:12] for answer in answers]
        # this address may have 32, and each is held until its refusal is read
        self.assertEqual(statuses.count(b"101"), 32)
        self.assertLessEqual(len(self.gateway.audit("refuse")), 32)

    def test_a_flood_of_guesses_leaves_few_lines(self) -> None:
        self.start(descriptors=4096)
        for _ in range(500):
            with self.connect() as connection:
                connection.sendall(GUESS)
                connection.recv(4096)

        self.assertLessEqual(len(self.gateway.audit("refuse")), 60)
        self.assertLess(len(self.gateway.log()), 60_000)
        self.assert_served()

    def test_a_stop_waits_for_refusals(self) -> None:
        gateway = self.start(descriptors=4096)
        (answer,) = self.crowd(1, GUESS)
        self.assertIn(b"101", answer)
        started = time.monotonic()

        gateway.terminate()

        # it resets a connection whose other end has not closed in time, after all was sent
        with contextlib.suppress(ConnectionResetError):
            while received := self.connections[0].recv(4096):
                answer += received
        self.assertIn(b"RFB 003.008\n", answer)
        self.assertIn(b"not valid any more", answer)
        self.assertLess(time.monotonic() - started, 20)
