"""Failovers under two proxies with live sessions and users who open consoles all the time."""

from __future__ import annotations

import time
from subprocess import CalledProcessError

from twisted.trial.unittest import SynchronousTestCase

from tests.components.failover_world import FailoverWorld, is_lost, is_outage, wait
from tests.components.openings import Opening
from tests.components.redis_sentinels import MASTER
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer

SESSIONS = 100
RATE = 50.0
RECOVERY = 20.0
"""Seconds within which consoles open again; `bench.failover` measures two to three."""

USED = "This console link is not valid any more. Ask for a new one."


class FailoverTests(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.world = FailoverWorld(SESSIONS, RATE)
        self.addCleanup(self.world.close)
        self.redis, self.openings = self.world.redis, self.world.openings
        wait(lambda: len(self.openings.done) > 100, "no openings")

    def test_a_primary_that_is_killed_one_that_hangs_and_a_failover_that_is_asked_for(self) -> None:
        opened = [each for each in list(self.openings.done) if not each.refused][-20:]
        time.sleep(0.5)  # until the replicas have that
        first = self.redis.primary()
        killed = time.monotonic()
        first.kill()
        self.assert_recovers(killed)
        self.assert_used(opened)
        self.assert_comes_back_as_a_replica(first)

        second = self.redis.primary()
        stopped = time.monotonic()
        second.pause()
        self.assert_recovers(stopped)
        second.resume()
        self.assert_takes_no_changes(second)
        self.world.wait_for_replicas(1)

        third = self.redis.primary()
        asked = time.monotonic()
        self.redis.sentinels[0].cli("sentinel", "failover", MASTER)
        wait(lambda: self.redis.primary() is not third, "no failover")
        self.assert_recovers(asked)
        self.assert_takes_no_changes(third)

        self.openings.stop()
        wrong = [each for each in self.openings.done if each.refused and not is_outage(each)]
        self.assert_just_lost(wrong, killed, asked)

    def assert_just_lost(self, openings: list[Opening], *failovers: float) -> None:
        """Assert that these are few new tokens, which an old primary had not passed on."""
        for each in openings:
            self.assertTrue(is_lost(each), each)
            self.assertTrue(any(0 < each.at - moment < RECOVERY for moment in failovers), each)
        self.assertLess(len(openings), RATE)

    def assert_recovers(self, since: float) -> None:
        """Assert that consoles open again soon, and that no live session was touched."""
        seconds, _ = self.world.recovery(since)
        self.assertLess(seconds, RECOVERY)
        self.world.type_everywhere()

    def assert_used(self, opened: list[Opening]) -> None:
        """Assert that tokens stay used, at both proxies."""
        for turn, each in enumerate(opened):
            with self.assertRaises(Refused) as caught:
                Viewer.connect(self.world.proxies[turn % 2].xvp_port, each.token).close()
            self.assertIn(USED, str(caught.exception))

    def assert_comes_back_as_a_replica(self, server: RedisServer) -> None:
        """Assert that no proxy uses a server again that is the primary for some seconds more."""
        server.start()
        self.assertIn("master", server.cli("role"))
        wait(lambda: is_replica(server), "the old primary is no replica")
        self.assertEqual(evaluations(server), [])
        self.world.wait_for_replicas(2)

    def assert_takes_no_changes(self, server: RedisServer) -> None:
        """Assert that an old primary, which still would, is asked for none."""
        self.assertIn("master", server.cli("role"))
        before, done = evaluations(server), len(self.openings.done)
        wait(lambda: len(self.openings.done) > done + 50, "no openings")
        self.assertEqual(evaluations(server), before)


def is_replica(server: RedisServer) -> bool:
    """Return whether a server is a replica; one that becomes one may end this connection."""
    try:
        return server.cli("role").startswith("slave")
    except CalledProcessError:
        return False


def evaluations(server: RedisServer) -> list[str]:
    """Return how many scripts a server has run for clients."""
    stats = server.cli("info", "commandstats").splitlines()
    return [line.partition(",")[0] for line in stats if "cmdstat_eval" in line]
