"""Requests to OpenNebula over real sockets: bounded in time and size, and verified."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.fake_oned import VM, FakeOned, OnedServer
from tests.components.ports import free_port
from vncproxy.backends.opennebula import http as opennebula_http
from vncproxy.backends.opennebula.cloud import Cloud
from vncproxy.backends.opennebula.errors import Unanswered
from vncproxy.backends.opennebula.http import Post
from vncproxy.backends.opennebula.settings import CloudSettings
from vncproxy.errors import BackendError

SESSION = "oneadmin:opennebula"
BODY = b"<x/>"


class Peer:
    """A server that takes one connection and hands it to a function of the test."""

    def __init__(self, behave: Callable[[socket.socket], object]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/RPC2"
        self._behave = behave
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener:
            request, piece = b"", b"?"
            # what is not read would turn the end of the answer into a reset
            while piece and not request.endswith(BODY):
                piece = connection.recv(65536)
                request += piece
            try:
                self._behave(connection)
            except OSError:
                return

    def join(self) -> None:
        self._thread.join()


class PostTests(SynchronousTestCase):
    def problem(self, url: str, seconds: float = 60.0, post: Post | None = None) -> str:
        with self.assertRaises(Unanswered) as caught:
            (post or Post())(url, BODY, seconds)
        return str(caught.exception)

    def peer(self, behave: Callable[[socket.socket], object]) -> str:
        peer = Peer(behave)
        self.addCleanup(peer.join)
        return peer.url

    def test_nothing_listens(self) -> None:
        problem = self.problem(f"http://127.0.0.1:{free_port()}/RPC2")
        self.assertEqual(problem, "Connection refused")

    def test_a_server_that_never_answers_is_given_up(self) -> None:
        over = Event()
        url = self.peer(lambda _connection: over.wait(60))
        self.addCleanup(over.set)
        self.assertEqual(self.problem(url, 0.3), "no answer within 0.3 s")

    def test_so_is_one_that_answers_byte_by_byte(self) -> None:
        def trickle(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(1000):
                connection.sendall(b"x")
                time.sleep(0.02)

        started = time.monotonic()
        problem = self.problem(self.peer(trickle), 2.0)
        self.assertIn("an answer that was not over in time", problem)
        self.assertLess(time.monotonic() - started, 15)

    def test_an_answer_that_breaks_off(self) -> None:
        def break_off(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxx")

        self.assertIn("IncompleteRead", self.problem(self.peer(break_off)))

    def test_an_answer_without_end_is_cut(self) -> None:
        def flood(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(bytes(65536))

        self.patch(opennebula_http, "LONGEST_ANSWER", 1_000_000)
        self.assertEqual(self.problem(self.peer(flood)), "an answer of more than 1000000 bytes")

    def test_a_redirect_is_not_followed_with_a_password_in_hand(self) -> None:
        def redirect(connection: socket.socket) -> None:
            connection.sendall(
                b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"
                b"Content-Length: 0\r\n\r\n"
            )

        self.assertEqual(self.problem(self.peer(redirect)), "HTTP status 307")

    def test_a_wrong_path_is_told(self) -> None:
        server = OnedServer(FakeOned())
        self.addCleanup(server.stop)
        url = server.url.replace("/RPC2", "/")
        self.assertEqual(self.problem(url), "HTTP status 404")

    def test_something_that_is_no_http(self) -> None:
        problem = self.problem(self.peer(lambda each: each.sendall(b"RFB 003.008\n")))
        self.assertIn("RFB 003.008", problem)


class TLSTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.authority = Authority(Path(folder.name))

    def cloud(self, name: str, ca_file: str) -> Cloud:
        oned = FakeOned()
        oned.add(VM(7))
        server = OnedServer(oned, self.authority.issue(name))
        self.addCleanup(server.stop)
        return Cloud(server.url, SESSION, CloudSettings(ca_file=ca_file))

    def problem(self, cloud: Cloud) -> str:
        with self.assertRaises(BackendError) as caught:
            cloud.machine(time.monotonic() + 60, 7)
        return str(caught.exception)

    def test_an_authority_of_ones_own_is_trusted_when_it_is_named(self) -> None:
        cloud = self.cloud("127.0.0.1", self.authority.ca_file)
        self.assertEqual(cloud.machine(time.monotonic() + 60, 7).name, "web")

    def test_and_not_otherwise(self) -> None:
        problem = self.problem(self.cloud("127.0.0.1", ""))
        self.assertIn("certificate verify failed", problem)

    def test_a_certificate_of_another_name_is_refused(self) -> None:
        problem = self.problem(self.cloud("one.example.com", self.authority.ca_file))
        self.assertIn("IP address mismatch", problem)

    def test_a_ca_file_that_is_not_there_is_named(self) -> None:
        problem = self.problem(self.cloud("127.0.0.1", "/nonexistent/ca.pem"))
        self.assertIn("/nonexistent/ca.pem", problem)


class ClientLibraryTests(SynchronousTestCase):
    """What ``pyone`` does to the rest of the process."""

    def test_the_time_limit_is_of_this_request_alone(self) -> None:
        server = OnedServer(FakeOned())
        self.addCleanup(server.stop)
        server.hung.clear()
        cloud = Cloud(server.url, SESSION, CloudSettings())
        with self.assertRaises(BackendError) as caught:
            cloud.machine(time.monotonic() + 0.3, 7)
        self.assertRegex(caught.exception.detail, r"no answer within 0\.[0-3] s")
        self.assertIsNone(socket.getdefaulttimeout())
