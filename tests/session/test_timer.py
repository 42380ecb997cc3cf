"""One timer for all sessions."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.session.timer import SharedTimer


class CallRecorder:
    """Records when it was called, and calls a function of its own then."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.calls: list[float] = []

    def on_timer(self) -> None:
        self.calls.append(self.clock.seconds())


class SharedTimerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.timer = SharedTimer(self.clock)

    def recorder(self, *times: float) -> CallRecorder:
        recorder = CallRecorder(self.clock)
        for when in times:
            self.timer.call_at(when, recorder)
        return recorder

    def test_an_object_is_called_once_when_its_second_has_come(self) -> None:
        recorder = self.recorder(2.5)

        self.clock.pump([0.5] * 20)

        self.assertEqual(recorder.calls, [3.0])

    def test_many_share_one_timer(self) -> None:
        recorders = [self.recorder(when) for when in (30, 10, 20, 10)]
        self.assertEqual([call.getTime() for call in self.clock.getDelayedCalls()], [10])

        self.clock.pump([1] * 40)

        self.assertEqual([recorder.calls for recorder in recorders], [[30], [10], [20], [10]])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_late_calls_keep_their_order(self) -> None:
        order: list[str] = []
        for name, when in (("second", 2), ("first", 1)):
            recorder = self.recorder(when)
            recorder.on_timer = lambda name=name: order.append(name)  # type: ignore[method-assign, misc]

        self.clock.advance(60)

        self.assertEqual(order, ["first", "second"])

    def test_what_is_due_already_is_done_at_once(self) -> None:
        self.clock.advance(100)
        recorder = self.recorder(3)

        self.clock.advance(0)

        self.assertEqual(recorder.calls, [100])

    def test_an_object_asks_for_the_next_call_while_it_is_called(self) -> None:
        recorder = self.recorder(1)
        recorder.on_timer = lambda: self.timer.call_at(self.clock.seconds() + 5, again)  # type: ignore
        again = CallRecorder(self.clock)

        self.clock.pump([1] * 10)

        self.assertEqual(again.calls, [6])

    def test_what_is_cancelled_does_not_happen(self) -> None:
        recorder, other = self.recorder(), self.recorder(5)
        second = self.timer.call_at(4.2, recorder)
        self.timer.cancel(second, recorder)

        self.clock.pump([1] * 10)

        self.assertEqual((recorder.calls, other.calls), ([], [5]))

    def test_nothing_is_left_when_all_is_cancelled(self) -> None:
        recorder = self.recorder()
        second = self.timer.call_at(4, recorder)

        self.timer.cancel(second, recorder)
        self.timer.cancel(second, recorder)

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_defect_of_one_object_delays_no_other(self) -> None:
        def fail() -> None:
            raise RuntimeError("a defect")

        for recorder in (self.recorder(1), self.recorder(2)):
            recorder.on_timer = fail  # type: ignore[method-assign]
        others = [self.recorder(1), self.recorder(2), self.recorder(3)]

        self.clock.pump([1] * 5)

        self.assertEqual([recorder.calls for recorder in others], [[1], [2], [3]])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_a_call_that_is_cancelled_by_a_late_one_delays_no_other(self) -> None:
        canceller, cancelled = self.recorder(1), self.recorder(2)
        canceller.on_timer = lambda: self.timer.cancel(2, cancelled)  # type: ignore[method-assign]
        other = self.recorder(3)

        self.clock.advance(5)

        self.assertEqual((cancelled.calls, other.calls), ([], [5]))
