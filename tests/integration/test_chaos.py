"""The short form of chaos: 20 users who type, and a part killed or stopped every few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.trial.unittest import TestCase

from tests.chaos.course import Course
from tests.chaos.faults import (
    Fault,
    Make,
    end_sessions,
    kill_primary,
    kill_server,
    kill_worker,
    stop_worker,
)
from tests.chaos.world import World

SEED = 9
FAULTS: tuple[Make, ...] = (kill_worker, end_sessions, kill_primary, stop_worker, kill_server)


def _lose_a_connection(world: World) -> Iterator[Fault]:
    """End a session that nothing explains."""
    blockingCallFromThread(world.reactor, world.users[3].lose_connection)
    yield Fault("nothing")


class ChaosTests(TestCase):
    timeout = 600

    def test_users_type_while_parts_fail(self) -> Deferred[None]:
        from twisted.internet import reactor

        return deferToThread(self.run_faults, reactor)

    def run_faults(self, reactor: Any) -> None:
        world = World(reactor, SEED, users=20, pause=0.5)
        try:
            world.start()
            course = Course(world)
            course.begin()
            for make in FAULTS:
                course.run([make], lasts=1.0)
            course.run([_lose_a_connection], lasts=0.5)
            found = course.verdict.complaints[:]
            course.verdict.complaints.clear()
            complaints = course.finish()
        finally:
            world.stop()
        self.assertRegex(found.pop(), "nothing: the session [0-9a-f]{16} of u3 ended by 1006")
        self.assertEqual([*found, *complaints], [])
        self.assertGreater(min(user.opened for user in world.users), 0)
        self.assertGreater(sum(user.opened for user in world.users), len(world.users))
