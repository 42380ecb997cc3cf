"""Logins and questions to servers that answer wrongly, slowly or not at all."""

from __future__ import annotations

import socket
import time
from threading import Event
from unittest.mock import patch

from tests.components.misbehaving_xapi import serving, silent, trickle, xml
from tests.components.xen_pool_case import PoolTestCase
from vncproxy.backends.xen import transport as xen_transport
from vncproxy.backends.xen.connection import Pool as Login
from vncproxy.backends.xen.machines import inventory


class LimitTests(PoolTestCase):
    def test_a_server_that_never_answers(self) -> None:
        with silent() as port:
            self.ends(self.login(f"https://127.0.0.1:{port}", patience=0.5))

    def test_a_server_that_answers_a_byte_at_a_time(self) -> None:
        for answer in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 9999,
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9999,
        ):
            with serving(lambda client, say=answer: trickle(client, say)) as port:  # type: ignore[misc]
                self.ends(self.plain(port, patience=0.7))

    def test_a_server_that_falls_silent_after_the_login(self) -> None:
        login = self.login(patience=4.0)
        login(inventory, "xen")
        stuck = Event()
        self.addCleanup(stuck.set)

        def answered(_method: str) -> None:
            stuck.wait(60)

        self.pool.answered = answered

        self.ends(login)

    def test_an_answer_without_an_end(self) -> None:
        def flood(client: socket.socket) -> None:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                client.sendall(bytes(65536))

        with serving(flood) as port, patch.object(xen_transport, "LONGEST_ANSWER", 200_000):
            told = self.error(self.plain(port))
        self.assertIn("not one of XAPI", told)

    def test_what_is_not_xapi(self) -> None:
        for answer, words in (
            (b"RFB 003.008\n", "BadStatusLine"),
            (b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\n\r\n", "HTTP status 301"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "ExpatError"),
            (xml(b"<array><data/></array>"), "not one of XAPI"),
            (xml(b"<string>hello</string>"), "fault 500"),
            (xml(b"<struct/>"), "not one of XAPI"),
        ):
            with serving(lambda client, say=answer: client.sendall(say)) as port:  # type: ignore[misc]
                self.assertIn(words, self.error(self.plain(port)))

    def plain(self, port: int, patience: float = 60.0) -> Login:
        return self.login(f"http://127.0.0.1:{port}", patience=patience, plain_console=True)

    def ends(self, login: Login) -> None:
        """Check that a call ends with an error of ours when its time is over."""
        started = time.monotonic()

        self.assertIn("no answer in time", self.error(login))

        self.assertLess(time.monotonic() - started, 30.0)
