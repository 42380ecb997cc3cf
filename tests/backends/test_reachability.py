"""Which addresses can be dialled, on sockets of this machine."""

from __future__ import annotations

import socket
import time
from threading import Event

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.network import Network
from vncproxy.backends.reachability import out_of_reach


class OutOfReachTests(SynchronousTestCase):
    def bound(self, *, listening: bool) -> tuple[str, int]:
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        if listening:
            sock.listen()
        address: tuple[str, int] = sock.getsockname()
        return address

    def test_only_addresses_without_a_listener_are_returned(self) -> None:
        there, away = self.bound(listening=True), self.bound(listening=False)
        self.assertEqual(out_of_reach([there, away]), {away: "Connection refused"})

    def test_names_that_cannot_be_resolved(self) -> None:
        unknown, impossible = ("nobody.invalid", 5900), ("x" * 64 + ".invalid", 5900)
        self.assertEqual({*out_of_reach([unknown, impossible])}, {unknown, impossible})

    def test_those_that_do_not_answer_are_waited_for_together(self) -> None:
        full = self.bound(listening=False)
        released = Event()
        self.addCleanup(released.set)
        self.patch(socket, "create_connection", lambda *_: released.wait(5) and socket.socket())
        started = time.monotonic()
        told = out_of_reach([full, ("127.0.0.1", 1)], 0.1)
        self.assertLess(time.monotonic() - started, 0.4)
        self.assertEqual({*told.values()}, {"no answer within 0.1 s"})

    def test_one_that_gives_up_first_is_told_likewise(self) -> None:
        Network(self).answers["h", 1] = [TimeoutError()]
        self.assertEqual(out_of_reach([("h", 1)]), {("h", 1): "no answer within 2 s"})

    def test_a_host_that_others_named_and_that_is_this_machine_is_told(self) -> None:
        there = self.bound(listening=True)
        told = "that is 127.0.0.1 here, this machine itself; write in addresses where the host is"
        self.assertEqual(out_of_reach([there], written=()), {there: told})
        self.assertEqual(out_of_reach([there], written={"127.0.0.1"}), {})

    def test_nothing_to_dial(self) -> None:
        self.assertEqual(out_of_reach([]), {})
