from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import UpstreamUnreachable
from vncproxy.session.steps import Steps


class StepsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[tuple[str, str, float, str]] = []

    def steps(self, name: str) -> Steps:
        return Steps(lambda *step: self.told.append(step), "kvm", name, self.clock.seconds)

    def test_one_step(self) -> None:
        with self.steps("locate"):
            self.clock.advance(2)

        self.assertEqual(self.told, [("kvm", "locate", 2, "")])

    def test_one_step_after_another(self) -> None:
        with self.steps("connect") as steps:
            self.clock.advance(1)
            steps.begin("handshake")
            self.clock.advance(3)

        self.assertEqual(self.told, [("kvm", "connect", 1, ""), ("kvm", "handshake", 3, "")])

    def test_a_failure_belongs_to_the_step_that_it_ended(self) -> None:
        with self.assertRaises(UpstreamUnreachable), self.steps("connect"):
            self.clock.advance(5)
            raise UpstreamUnreachable("no route")

        self.assertEqual(self.told, [("kvm", "connect", 5, "upstream-unreachable")])

    def test_a_step_that_was_cut_short_is_not_told(self) -> None:
        with self.assertRaises(CancelledError), self.steps("connect") as steps:
            raise CancelledError
        steps.begin("handshake")

        self.assertEqual(self.told, [])
