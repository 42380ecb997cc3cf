"""Functions in bounded threads: results, time limits, late results, a full queue, closing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from queue import Queue
from threading import Event, current_thread
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from vncproxy.blocking import BoundedCalls
from vncproxy.errors import BackendError
from vncproxy.interfaces import IBlockingCalls

TIME_LIMIT = 60.0


@implementer(IReactorFromThreads)
class Border:
    """A reactor's side of ``callFromThread``, turned by hand in the test's thread."""

    def __init__(self) -> None:
        self._calls: Queue[tuple[Callable[..., Any], tuple[object, ...]]] = Queue()

    def callFromThread(self, callable: Callable[..., Any], *args: object, **_: object) -> None:  # noqa: A002
        self._calls.put((callable, args))

    def deliver(self) -> None:
        """Wait for one call from a thread and make it."""
        function, args = self._calls.get(timeout=TIME_LIMIT)
        function(*args)


class Blockade:
    """A blocking function that hangs until it is let go."""

    def __init__(self) -> None:
        self.begun = Event()
        self._end = Event()

    def __call__(self, result: object = "result") -> object:
        self.begun.set()
        if not self._end.wait(TIME_LIMIT):
            raise TimeoutError
        return result

    def let_go(self) -> None:
        self._end.set()


class BoundedCallsCase(SynchronousTestCase):
    """One thread, one waiting place."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.border = Border()
        self.calls = BoundedCalls(self.clock, self.border, threads=1, waiting=1)
        self.addCleanup(self.calls.close)
        self.hang = Blockade()
        self.addCleanup(self.hang.let_go)


class ResultTests(BoundedCallsCase):
    def test_it_is_blocking_calls(self) -> None:
        self.assertTrue(verifyObject(IBlockingCalls, self.calls))

    def test_the_function_runs_in_another_thread_and_its_result_comes_back(self) -> None:
        answer = self.calls.call(1.0, lambda: current_thread().name)
        self.assertNoResult(answer)
        self.border.deliver()
        self.assertNotEqual(self.successResultOf(answer), current_thread().name)

    def test_arguments_are_passed_on(self) -> None:
        answer = self.calls.call(1.0, divmod, 17, 5)
        self.border.deliver()
        self.assertEqual(self.successResultOf(answer), (3, 2))

    def test_an_exception_of_the_function_comes_back_as_it_is(self) -> None:
        answer = self.calls.call(1.0, int, "seven")
        self.border.deliver()
        self.assertIn("seven", self.failureResultOf(answer, ValueError).getErrorMessage())

    def test_a_result_in_time_is_not_disposed_of(self) -> None:
        disposed: list[str] = []
        answer = self.calls.call(1.0, str, 7, late=disposed.append)
        self.border.deliver()
        self.clock.advance(2.0)
        self.assertEqual((self.successResultOf(answer), disposed), ("7", []))


class TimeLimitTests(BoundedCallsCase):
    def test_the_wait_ends_when_the_limit_passes_and_says_what_and_how_long(self) -> None:
        answer = self.calls.call(2.5, self.hang)
        self.clock.advance(2.4)
        self.assertNoResult(answer)
        self.clock.advance(0.1)
        error = self.failureResultOf(answer, BackendError).value
        self.assertEqual(str(error), "Blockade did not answer within 2.5 s")

    def test_a_late_result_is_handed_to_the_disposer(self) -> None:
        disposed: Queue[object] = Queue()
        answer = self.calls.call(1.0, self.hang, "an open file", late=disposed.put)
        self.hang.begun.wait(TIME_LIMIT)
        self.clock.advance(1.0)
        self.failureResultOf(answer, BackendError)
        self.hang.let_go()
        self.border.deliver()
        self.assertEqual(disposed.get(timeout=TIME_LIMIT), "an open file")

    def test_a_result_after_a_cancellation_is_disposed_of_too(self) -> None:
        disposed: Queue[object] = Queue()
        answer = self.calls.call(1.0, self.hang, "an open file", late=disposed.put)
        self.hang.begun.wait(TIME_LIMIT)
        answer.cancel()
        self.failureResultOf(answer)
        self.hang.let_go()
        self.border.deliver()
        self.assertEqual(disposed.get(timeout=TIME_LIMIT), "an open file")

    def test_a_late_failure_ends_quietly(self) -> None:
        answer = self.calls.call(1.0, lambda: int(str(self.hang("seven"))))
        self.hang.begun.wait(TIME_LIMIT)
        self.clock.advance(1.0)
        self.failureResultOf(answer, BackendError)
        self.hang.let_go()
        self.border.deliver()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_function_whose_caller_left_the_queue_is_never_run(self) -> None:
        ran: list[int] = []
        self.calls.call(100.0, self.hang)
        queued = self.calls.call(1.0, ran.append, 1)
        self.clock.advance(1.0)
        self.failureResultOf(queued, BackendError)
        self.hang.let_go()
        self.border.deliver()
        self.border.deliver()
        self.assertEqual(ran, [])

    def test_a_callable_object_is_named_by_its_str_or_else_its_class_but_never_its_repr(
        self,
    ) -> None:
        class Hypervisor(Blockade):
            def __str__(self) -> str:
                return "the hypervisor"

        for function, name in ((Hypervisor(), "the hypervisor"), (partial(int, "x"), "partial")):
            answer = self.calls.call(1.0, function)
            self.clock.advance(1.0)
            error = self.failureResultOf(answer, BackendError).value
            self.assertEqual(str(error), f"{name} did not answer within 1 s")

    def test_a_function_is_named_by_whose_calls_they_are(self) -> None:
        part = self.calls.part("token source files")

        answer = part.call(1.0, self.hang.__call__)
        self.clock.advance(1.0)

        error = self.failureResultOf(answer, BackendError).value
        self.assertEqual(str(error), "token source files did not answer within 1 s")


class RoomTests(BoundedCallsCase):
    def test_a_call_beyond_threads_and_queue_is_refused_at_once(self) -> None:
        self.calls.call(100.0, self.hang)
        self.calls.call(100.0, int)
        refused = self.calls.call(100.0, int)
        error = self.failureResultOf(refused, BackendError).value
        self.assertEqual(str(error), "2 blocking calls are unanswered in 1 threads")

    def test_a_place_is_taken_until_the_function_has_really_ended(self) -> None:
        given_up = self.calls.call(1.0, self.hang)
        self.hang.begun.wait(TIME_LIMIT)
        self.clock.advance(1.0)
        self.failureResultOf(given_up, BackendError)
        self.calls.call(100.0, int)
        self.failureResultOf(self.calls.call(100.0, int), BackendError)
        self.hang.let_go()
        self.border.deliver()
        self.assertNoResult(self.calls.call(100.0, int))


class PartTests(BoundedCallsCase):
    def test_a_part_has_threads_and_a_queue_of_its_own(self) -> None:
        part = self.calls.part("backend kvm", threads=1)
        part.call(100.0, self.hang)
        part.call(100.0, int)
        self.failureResultOf(part.call(100.0, int), BackendError)

        answer = self.calls.call(1.0, str, 7)
        other = self.calls.part("backend one").call(1.0, str, 8)
        self.border.deliver()
        self.border.deliver()

        self.assertEqual((self.successResultOf(answer), self.successResultOf(other)), ("7", "8"))

    def test_a_refusal_names_the_part(self) -> None:
        host = self.calls.part("backend kvm").part("qemu:///system", threads=1)
        host.call(100.0, self.hang)
        host.call(100.0, int)
        error = self.failureResultOf(host.call(100.0, int), BackendError).value
        self.assertEqual(
            str(error),
            "backend kvm qemu:///system: 2 blocking calls are unanswered in 1 threads",
        )

    def test_parts_are_closed_with_the_whole(self) -> None:
        part = self.calls.part("backend kvm")
        host = part.part("qemu:///system")
        self.calls.close()
        late = self.calls.part("backend one")
        for each in (part, host, late):
            self.failureResultOf(each.call(1.0, int), BackendError)

    def test_a_part_can_be_closed_before_the_whole(self) -> None:
        part = self.calls.part("backend kvm")
        part.close()
        self.failureResultOf(part.call(1.0, int), BackendError)
        answer = self.calls.call(1.0, str, 7)
        self.border.deliver()
        self.assertEqual(self.successResultOf(answer), "7")


class CloseTests(BoundedCallsCase):
    def test_a_call_after_closing_is_refused(self) -> None:
        self.calls.close()
        error = self.failureResultOf(self.calls.call(1.0, int), BackendError).value
        self.assertEqual(str(error), "the pool of blocking calls is closed")

    def test_closing_does_not_wait_for_a_function_that_hangs(self) -> None:
        self.calls.call(100.0, self.hang)
        self.hang.begun.wait(TIME_LIMIT)
        self.calls.close()  # would not return if it waited for the function, which hangs

    def test_a_function_that_hangs_does_not_keep_the_process_alive(self) -> None:
        daemon = self.calls.call(1.0, lambda: current_thread().daemon)
        self.border.deliver()
        self.assertTrue(self.successResultOf(daemon))
