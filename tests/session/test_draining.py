"""The proxy is emptied: who moves, who stays, and when the rest is ended."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.doubles.sessions import SessionTestCase, User
from vncproxy.errors import ProxyDraining, ProxyStopping
from vncproxy.model import ConsoleType
from vncproxy.session import draining
from vncproxy.session.draining import LEAVE_TIME, MOVE_TIME, PER_SECOND, SPREAD, Draining
from vncproxy.session.live import MOVED_TIME
from vncproxy.session.session import Session


class DrainingTests(SessionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.draining = Draining(self.sessions, 600, chance=lambda: 0.5)

    def drain(self, timeout: float = 60.0, move_in: float | None = 0.0) -> Deferred[None]:
        return self.draining.begin(timeout, move_in)

    def open_page(self) -> Session:
        """Open a console of a page that moves, but leaves only when it is sent away."""
        return self.open(self.user_request(can_move=True))

    def open_viewer(self) -> Session:
        return self.open(self.user_request(type=ConsoleType.XVPVNC))

    def left(self) -> int:
        return len(self.live_sessions())

    def test_an_empty_proxy_is_drained_at_once(self) -> None:
        self.successResultOf(self.drain())

        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_second_call_that_shortens_nothing_is_not_logged(self) -> None:
        self.open_viewer()
        with capturedLogs() as logged:
            for timeout in (60, 60, 90, 30):
                self.drain(timeout)

        self.assertEqual([event["timeout"] for event in logged], [60, 30])

    def test_new_sessions_are_refused(self) -> None:
        self.drain()

        self.begin()

        self.refused(ProxyStopping)

    def test_a_page_moves_at_a_random_moment(self) -> None:
        self.open_page()
        drained = self.drain()

        self.wait(SPREAD / 2 - 0.1)
        self.assertIsNone(self.session.moving)
        self.wait(0.2)
        self.assertIsNotNone(self.session.moving)
        self.wait(LEAVE_TIME)

        self.closed(ProxyDraining)
        self.successResultOf(drained)

    def test_a_page_that_has_begun_elsewhere_is_not_left_for_long_where_many_move(self) -> None:
        session = self.open_page()
        session.ask_to_move(ProxyDraining())
        name = f"here/{session.id}"
        self.sessions.end_lost(session.id, name, "", "superseded")
        self.wait(MOVED_TIME - 0.1)
        self.assertFalse(session.ending)
        self.wait(0.2)
        self.closed(ProxyDraining)

    def test_many_pages_are_asked_at_moments_of_their_own(self) -> None:
        sessions = []
        for _ in range(4):
            self.user = User(self)
            sessions.append(self.open_page())
        self.drain()
        found = []
        for _ in range(4):
            self.wait(SPREAD / 4)
            found.append(sum(each.moving is not None for each in sessions))

        self.assertEqual(found, [1, 2, 3, 4])
        self.wait(LEAVE_TIME)
        self.assertEqual(self.left(), 0)

    def test_very_many_browsers_take_longer(self) -> None:
        moments = self.draining._moments(10 * PER_SECOND, 3600)

        self.assertEqual(round(moments[-1]), 10)

    def test_all_browsers_move_before_the_time_is_over(self) -> None:
        moments = self.draining._moments(10 * PER_SECOND, 5)

        self.assertLess(moments[-1], 5)

    def test_a_page_whose_console_is_still_opening_moves_too(self) -> None:
        self.begin(self.user_request(can_move=True))

        self.drain()
        self.wait(SPREAD)
        self.wait(5)

        self.refused(ProxyDraining)
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_tcp_viewer_stays_until_the_time_is_over(self) -> None:
        self.open_viewer()
        drained = self.drain(60)

        self.wait(59.9)
        self.assertNoResult(drained)
        self.wait(0.2)

        self.closed(ProxyStopping)
        self.successResultOf(drained)

    def test_a_browser_with_another_page_stays_until_the_time_is_over(self) -> None:
        self.open()
        self.drain(60)

        self.wait(59.9)
        self.assertEqual(self.left(), 1)
        self.wait(0.2)

        self.closed(ProxyStopping)

    def test_a_page_whose_cookie_is_no_longer_good_stays_as_well(self) -> None:
        self.open_page()
        self.wait(600 - MOVE_TIME)
        self.drain(60)

        self.wait(SPREAD + LEAVE_TIME)

        self.assertIsNone(self.session.moving)
        self.assertEqual(self.left(), 1)

    def test_without_another_proxy_pages_stay_as_well(self) -> None:
        self.open_page()
        drained = self.drain(60, move_in=None)

        self.wait(59.9)
        self.assertNoResult(drained)
        self.wait(0.2)

        self.closed(ProxyStopping)

    def test_a_second_call_shortens_the_time(self) -> None:
        self.open_viewer()
        first = self.drain(3600)
        second = self.drain(5)
        third = self.drain(3600)

        self.wait(5.1)

        self.closed(ProxyStopping)
        for drained in (first, second, third):
            self.successResultOf(drained)

    def test_pages_that_move_later_move_at_their_time(self) -> None:
        self.open_page()
        self.drain(60, move_in=50)

        self.wait(50)
        self.assertEqual(self.left(), 1)
        self.wait(SPREAD)
        self.wait(LEAVE_TIME)

        self.closed(ProxyDraining)

    def test_a_stop_moves_pages_that_were_to_move_later(self) -> None:
        self.open_page()
        self.drain(3600, move_in=3594)
        self.wait(1)
        self.drain(10, move_in=0)

        self.wait(SPREAD)
        self.wait(LEAVE_TIME)

        self.closed(ProxyDraining)

    def test_an_earlier_end_alone_brings_the_move_forward(self) -> None:
        self.open_page()
        self.drain(3600, move_in=3594)
        self.drain(10, move_in=None)

        self.wait(10 - LEAVE_TIME + 0.1)

        self.assertIsNotNone(self.session.moving)

    def open_pages(self, count: int) -> list[Session]:
        opened = []
        for _ in range(count):
            self.user = User(self)
            opened.append(self.open_page())
        return opened

    def test_an_earlier_end_leaves_less_time_between_pages(self) -> None:
        self.patch(draining, "SPREAD", 40.0)
        sessions = self.open_pages(4)
        self.drain(3600)
        self.wait(5)
        asked = [each.moving for each in sessions if each.moving is not None]
        self.assertEqual(len(asked), 1)
        self.drain(10)

        for _ in range(8):
            self.wait(1)

        self.assertTrue(all(each.moving for each in sessions))
        self.assertIn(asked[0], [each.moving for each in sessions])
        self.wait(LEAVE_TIME)
        self.assertEqual([type(why) for _, why in self.observer.closings], 4 * [ProxyDraining])

    def test_a_later_call_changes_nothing_of_the_move(self) -> None:
        self.open_pages(2)
        self.drain(60)
        self.wait(SPREAD / 4)
        self.drain(60)

        self.wait(SPREAD / 2)
        self.wait(LEAVE_TIME)

        self.assertEqual(self.left(), 0)

    def test_pages_are_asked_even_where_there_is_little_time(self) -> None:
        self.open_page()
        self.drain(LEAVE_TIME + 1, move_in=10)

        self.wait(1.1)

        self.assertIsNotNone(self.session.moving)

    def test_nothing_is_left_behind_when_the_last_session_ends_early(self) -> None:
        self.open_viewer()
        drained = self.drain()

        self.user.peer.close()
        self.hypervisor.close()
        self.wait(SPREAD)

        self.successResultOf(drained)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
