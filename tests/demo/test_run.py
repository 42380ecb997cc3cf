"""Where the demonstration listens when any port will do, and when another program is quicker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.demo import run
from vncproxy.demo.demonstration import console_settings


class BusyMachine(MemoryReactorClock):
    """A machine on which other programs have some ports; counts the requests for one."""

    def __init__(self, taken: Callable[[int], bool]) -> None:
        super().__init__()
        self.taken = taken
        self.asked: list[int] = []

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        self.asked.append(port)
        if self.taken(port):
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        return super().listenTCP(port, factory, backlog, interface)


class PortTests(SynchronousTestCase):
    def listen(self, port: int, taken: Callable[[int], bool]) -> list[int]:
        """Listen, if possible; returns the ports that were tried."""
        ports = iter(range(7000, 8000))
        self.patch(run, "_free_port", lambda _: next(ports))
        self.machine = BusyMachine(taken)
        run._listening(port, "127.0.0.1", console_settings("127.0.0.1:5901"), self.machine)
        return self.machine.asked

    def test_a_free_port_that_was_taken_meanwhile_is_left_for_another(self) -> None:
        self.assertEqual(self.listen(0, lambda port: port < 7002), [7000, 7001, 7002])

    def test_a_machine_without_any_port_is_told(self) -> None:
        with self.assertRaises(run.CannotRun) as caught:
            self.listen(0, lambda _: True)

        self.assertIn("cannot listen on port 7009 of 127.0.0.1: ", str(caught.exception))

    def test_a_port_that_was_asked_for_is_not_exchanged(self) -> None:
        with self.assertRaises(run.CannotRun):
            self.listen(6080, lambda port: port == 6080)

        self.assertEqual(self.machine.asked, [6080])
