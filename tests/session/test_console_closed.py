"""A console that closes: taken by another viewer, moved, or ended."""

from __future__ import annotations

from tests.doubles.sessions import MovedAway, SessionTestCase, User
from vncproxy.errors import (
    ClientGone,
    ConsoleEnded,
    ConsoleMoved,
    ConsoleTaken,
    ConsoleUnavailable,
)
from vncproxy.session.closing import MAX_EXPLAINING


class ConsoleClosedTests(SessionTestCase):
    """What a console that closes is asked before its session ends."""

    def test_a_console_that_still_admits_viewers_was_taken_by_another_one(self) -> None:
        self.open()

        self.hypervisor.close()
        again = self.reactor.accept()
        again.send(b"RFB 003.008\n\x01\x01", bytes(4))
        self.assertEqual(self.observer.closings, [])
        again.close()

        self.closed(ConsoleTaken)
        self.assertEqual(again.receive(), b"RFB 003.008\n\x01", "the screen is not asked for")
        self.assertTrue(self.user.peer.half_closed)

    def test_a_reset_while_bytes_are_on_their_way_may_be_another_viewers(self) -> None:
        self.open()
        self.wait(5)
        self.user.peer.send(b"key")

        self.hypervisor.reset()
        again = self.reactor.accept()
        again.send(b"RFB 003.008\n\x01\x01", bytes(4))
        again.close()

        self.closed(ConsoleTaken)

    def test_a_console_that_is_silent_when_asked_again_has_ended(self) -> None:
        self.open()

        self.hypervisor.close()
        self.reactor.accept()
        self.wait(1)

        self.closed(ConsoleEnded)

    def test_a_machine_that_does_not_run_when_asked_again_has_ended_its_console(self) -> None:
        self.open()
        self.kvm.consoles["web-01"] = ConsoleUnavailable("shut off")

        self.hypervisor.close()

        self.closed(ConsoleEnded)
        self.assertEqual(self.reactor.tcpClients, [])

    def test_the_console_closes_because_its_machine_has_moved(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        self.open()

        self.hypervisor.close()
        self.assertEqual(self.observer.closings, [])
        self.assertFalse(self.user.peer.half_closed)
        moved.answer.callback("192.0.2.11")

        self.closed(ConsoleMoved)
        self.assertTrue(self.user.peer.half_closed)

    def test_a_defect_of_the_backend_keeps_no_session_from_ending(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        self.open()

        self.hypervisor.close()
        moved.answer.errback(RuntimeError("a defect"))

        self.closed(ConsoleEnded)
        self.assertTrue(self.user.peer.half_closed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_only_some_ask_when_many_consoles_close_at_once(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        consoles = []
        for _ in range(MAX_EXPLAINING + 1):
            self.user = User(self)
            self.open()
            consoles.append(self.hypervisor)

        for console in consoles:
            console.close()

        self.closed(ConsoleEnded, live=MAX_EXPLAINING)
        moved.answer.callback("192.0.2.10")
        for _ in range(MAX_EXPLAINING):
            self.reactor.refuse()
        self.assertEqual(self.live_sessions(), [])
        self.assertEqual(self.sessions.explaining, 0)

    def test_a_user_who_leaves_meanwhile_waits_for_nothing(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        self.open()
        self.hypervisor.close()

        self.user.peer.close()
        moved.answer.callback("192.0.2.11")

        self.closed(ConsoleMoved)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_no_backend_is_asked_when_the_user_leaves_first(self) -> None:
        self.serve(backends={"kvm": MovedAway()})
        self.open()

        self.user.peer.close()

        self.closed(ClientGone)
