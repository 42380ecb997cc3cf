"""How open sessions end, and what is reported."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.defer import Deferred

from tests.doubles.proxy_in_memory import RecordingObserver
from tests.doubles.sessions import GREETING, SessionTestCase, User, hypervisor_bytes
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    EndedByAdministrator,
    HypervisorError,
    IdleLimit,
    TimeLimit,
    VNCProxyError,
)
from vncproxy.model import (
    Policy,
    SessionInfo,
)
from vncproxy.session.watchdog import Watchdog


class ClosingTests(SessionTestCase):
    def test_the_user_leaves(self) -> None:
        self.open()
        self.user.peer.send(b"last key")

        self.user.peer.close()

        info = self.closed(ClientGone)
        self.assertEqual(info.bytes_up, len(GREETING) + 8)
        self.assertEqual(self.hypervisor.receive(), b"last key")
        self.assertTrue(self.hypervisor.half_closed)
        self.assertEqual(self.uses_given_back(), 0)

    def test_the_console_closes(self) -> None:
        self.open()
        self.hypervisor.send(b"last pixels")

        self.hypervisor.close()
        self.reactor.refuse()

        self.closed(ConsoleEnded)
        self.assertEqual(self.user.peer.receive(), b"last pixels")
        self.assertTrue(self.user.peer.half_closed)

    def test_a_side_is_lost(self) -> None:
        for side in ("upstream", "downstream"):
            self.setUp()
            self.open()
            self.wait(5)

            (self.hypervisor if side == "upstream" else self.user.peer).reset()

            info = self.closed(ConnectionLost)
            self.assertEqual((info.side, info.host), (side, "192.0.2.10"))

    def test_an_end_that_the_proxy_means_is_of_no_side(self) -> None:
        self.open()
        self.session.cancel(EndedByAdministrator())

        self.assertEqual(self.closed(EndedByAdministrator).side, "")

    def test_a_viewer_that_answers_no_ping_is_the_side_that_was_lost(self) -> None:
        self.open()
        self.session.cancel(ConnectionLost("no answer to a ping"))

        self.assertEqual(self.closed(ConnectionLost).side, "downstream")

    def test_live_bytes_are_known_before_the_end(self) -> None:
        self.assertEqual(self.sessions.bytes_moved(), (0, 0))
        self.open()
        self.hypervisor.send(b"x" * 1000)

        self.assertEqual(
            self.sessions.bytes_moved(), (hypervisor_bytes(b"x" * 1000), len(GREETING))
        )
        self.user.peer.close()
        self.assertEqual(self.sessions.bytes_moved(), (0, 0))

    def test_a_side_that_does_not_close_is_cut_after_the_linger_time(self) -> None:
        self.open()
        self.user.peer.close()
        self.assertIsNone(self.hypervisor.closed)

        self.wait(5)

        self.assertIsNotNone(self.hypervisor.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_the_longest_duration_is_counted_from_the_first_redemption(self) -> None:
        secret = self.issue(Policy(max_duration=100))
        self.open(self.user_request(secret))
        cookie = self.user.cookie
        self.user.peer.close()
        self.wait(60)

        self.user = User(self)
        self.observer.closings.clear()
        self.open(self.user_request(secret, resume=cookie))
        self.reactor.pump([1] * 39)
        self.assertEqual(self.observer.closings, [])
        self.reactor.pump([1])

        self.closed(TimeLimit)

    def test_the_idle_limit_ends_it(self) -> None:
        self.open(self.user_request(self.issue(Policy(idle_timeout=20))))

        self.reactor.pump([1] * 21)

        self.closed(IdleLimit)

    def test_a_relay_that_does_not_begin_leaves_nothing_open(self) -> None:
        def broken(*_: object) -> Deferred[VNCProxyError]:
            raise RuntimeError("a defect")

        self.serve(join=broken)
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING)

        self.closed(HypervisorError)
        self.assertEqual(len(self.observer.openings), 1)
        self.assertTrue(self.user.peer.half_closed and hypervisor.half_closed)
        self.wait(5)
        self.assertIsNotNone(self.user.peer.closed)
        self.assertIsNotNone(hypervisor.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_watchdog_that_does_not_begin_leaves_nothing_open(self) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("a defect")

        self.patch(Watchdog, "start", broken)
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.wait(5)

        self.closed(HypervisorError)
        self.assertIsNotNone(hypervisor.closed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_an_observer_that_fails_ends_nothing(self) -> None:
        class Full(RecordingObserver):
            def opened(self, session: SessionInfo) -> None:
                raise OSError("no space left on device")

        self.serve(observers=(Full(), self.observer))

        self.open()
        self.user.peer.close()

        self.closed(ClientGone)
        self.assertEqual(len(self.observer.openings), 1)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_a_session_that_is_over_is_not_kept_alive(self) -> None:
        gone = weakref.ref(self.open())
        self.user.peer.close()
        self.hypervisor.close()

        del self.session, self.user, self.hypervisor
        gc.collect()

        self.assertIsNone(gone())
        self.assertEqual(self.reactor.getDelayedCalls(), [])
