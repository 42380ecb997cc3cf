"""Which ports are listened on here, by the kernel's own tables."""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.local_ports import listens_here


class ListenersTests(SynchronousTestCase):
    def test_a_listener_of_either_family_and_address(self) -> None:
        for family, address in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET, "0.0.0.0"),
            (socket.AF_INET6, "::1"),
        ):
            with self.subTest(address), socket.socket(family) as listening:
                listening.bind((address, 0))
                port = listening.getsockname()[1]
                self.assertFalse(listens_here(port))
                listening.listen()
                self.assertTrue(listens_here(port))
            self.assertFalse(listens_here(port))

    def test_a_connection_from_a_port_is_no_listener(self) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            with socket.create_connection(listening.getsockname()) as connection:
                self.assertFalse(listens_here(connection.getsockname()[1]))

    def test_where_it_cannot_be_known_it_may_be(self) -> None:
        self.assertTrue(listens_here(5901, (Path("/no/such/table"),)))
