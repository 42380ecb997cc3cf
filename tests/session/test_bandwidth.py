"""Sessions whose bytes to their viewers have rates."""

from __future__ import annotations

from tests.doubles.sessions import GREETING, SessionTestCase, User
from vncproxy.errors import ClientGone
from vncproxy.model import Limits, Policy
from vncproxy.relay.pacing import BURST, TICK
from vncproxy.testing import SERVER_INIT, MemoryPeer

RATE = 8000


class BandwidthTests(SessionTestCase):
    def watch(self, policy: Policy | None = None, user: str = "alice") -> tuple[User, MemoryPeer]:
        viewer = User(self)
        self.begin(self.user_request(self.issue(policy, user=user)), viewer)
        console = self.console()
        viewer.peer.send(GREETING)
        self.assertTrue(viewer.peer.receive().endswith(SERVER_INIT))
        return viewer, console

    def heard(self, seconds: float, *sessions: tuple[User, MemoryPeer]) -> list[int]:
        """Return the bytes that viewers receive while their consoles send much."""
        for _, console in sessions:
            console.send(*[bytes(500)] * 200)
        heard = [0] * len(sessions)
        for _ in range(int(seconds / TICK)):
            for number, (viewer, console) in enumerate(sessions):
                console.pump()
                heard[number] += len(viewer.peer.receive())
            self.wait(TICK)
        return heard

    def test_without_a_rate_all_passes_at_once(self) -> None:
        self.assertEqual(self.heard(2 * TICK, self.watch()), [100_000])

    def test_a_session_has_the_rate_of_its_policy(self) -> None:
        [heard] = self.heard(4, self.watch(Policy(bandwidth=RATE)))

        self.assertLessEqual(heard, RATE * (4 + BURST))
        self.assertGreater(heard, RATE * 4 * 0.9)

    def test_the_sessions_of_a_user_share_one(self) -> None:
        self.serve(limits=Limits(bandwidth_per_user=RATE))
        one, other, free = self.watch(), self.watch(), self.watch(user="")

        first, second, third = self.heard(4, one, other, free)

        self.assertEqual(third, 100_000, "a token without a user")
        self.assertLess(abs(first - second), 0.1 * (first + second))
        self.assertLessEqual(first + second, RATE * (4 + BURST))
        self.assertGreater(first + second, RATE * 4 * 0.9)

    def test_of_two_rates_the_lesser_counts(self) -> None:
        self.serve(limits=Limits(bandwidth_per_user=RATE))
        [heard] = self.heard(4, self.watch(Policy(bandwidth=10 * RATE)))
        self.assertLessEqual(heard, RATE * (4 + BURST))

    def test_nothing_is_left_of_a_session_that_ends_while_it_waits(self) -> None:
        viewer, console = self.watch(Policy(bandwidth=RATE))
        console.send(*[bytes(500)] * 200)

        viewer.peer.close()
        self.closed(ClientGone)
        self.wait(self.timeouts.linger)

        self.assertEqual(self.reactor.getDelayedCalls(), [])
