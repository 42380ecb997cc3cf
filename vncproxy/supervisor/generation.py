"""The workers of one version of the program; one that ends is started again, with back-off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import DeferredList, FirstError, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ..errors import ConfigurationError
from .channel import Message
from .launching import Launcher
from .process import StartFailed, State, WorkerProcess

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
"""Seconds until a worker that has ended is started again: doubled each time."""

STABLE = 60.0
"""Seconds after which a worker that ends begins with the first pause again."""


class Generation:
    """Some workers, from their start to their end.

    Args:
        number: counts the upgrades, from 1.
        configuration: the text that workers read, replaced by a reload.
        count: how many workers to begin with, until one has said how many the configuration wants.
        on_end: called with each worker that has ended, and whether another one is started.

    Attributes:
        told: the last ``ready`` or ``applied`` message of a worker: what the configuration wants.
        drained: whether a worker that served has been drained; all are then, until the proxy ends.
        on_change: called when a worker is full, or drained.
    """

    log = Logger()

    def __init__(
        self,
        number: int,
        configuration: bytes,
        count: int,
        launcher: Launcher,
        clock: Any,
        on_end: Callable[[WorkerProcess, bool], None],
        hang_time: float,
    ) -> None:
        self.number = number
        self.configuration = configuration
        self.told: Message = {}
        self._count = count
        self._launcher = launcher
        self._clock = clock
        self._on_end = on_end
        self._hang_time = hang_time
        self._workers: dict[int, WorkerProcess] = {}
        self._pauses: dict[int, float] = {}
        self._restarts: dict[int, IDelayedCall] = {}
        self._restarting = False
        self.drained = False
        self.on_change: Callable[[], None] = lambda: None

    def __iter__(self) -> Iterator[WorkerProcess]:
        """Iterate over the workers whose processes live."""
        return iter([each for each in self._workers.values() if each.state is not State.ENDED])

    @property
    def stop_seconds(self) -> float:
        """How long its workers may take to stop."""
        return float(self.told.get("stop_seconds", 30.0))

    async def start(self) -> None:
        """Start the workers, and wait until all are ready; they do not serve yet.

        Raises:
            StartFailed: one cannot start; those that did are to be stopped.
            ConfigurationError: it cannot be used.
        """
        await self._start_to(self._count)
        wanted = int(self.told["workers"])
        await self._start_to(wanted)
        for number in range(wanted + 1, self._count + 1):
            self._workers.pop(number).kill()
        for worker in self._workers.values():
            if worker.state is State.ENDED:
                raise StartFailed(f"{worker.name} ended before it could serve; the log has more")

    async def _start_to(self, count: int) -> None:
        """Start the workers up to a number, and wait until they are ready."""
        numbers = range(len(self._workers) + 1, count + 1)
        starting = [self._start_worker(number).ready for number in numbers]
        try:
            answers = await gatherResults(starting, consumeErrors=True)
        except FirstError as e:
            error: Any = e.subFailure.value
            raise error from None
        if answers:
            self.told = answers[0]

    def serve(self, drained: bool) -> None:
        """Let all workers listen, and start again each one that ends from now on.

        Args:
            drained: whether the proxy was drained, so that workers take no sessions.
        """
        self._restarting, self.drained = True, drained
        for worker in self:
            self._serve(worker)

    def retire(self) -> None:
        """Let all workers end with their last session; none is started again."""
        self._give_up_restarts()
        for worker in self:
            worker.retire()

    async def stop(self) -> None:
        """Let all workers end their sessions and themselves, and wait until they have."""
        self._give_up_restarts()
        await DeferredList([worker.stop(self.stop_seconds) for worker in self])

    def stop_now(self) -> None:
        """Let all workers end without waiting for sessions that could move."""
        self._give_up_restarts()
        for worker in self:
            worker.stop_now()

    def check(self, room: Callable[[WorkerProcess], bool]) -> None:
        """Make sure that all workers answer, and that all which serve drain if one does.

        A worker that is started again in a drained proxy has missed the order.

        Args:
            room: returns whether another worker than this one takes sessions.
        """
        self._note_drain()
        for worker in self:
            worker.check(room(worker))
            if self._misses_drain(worker):
                worker.drain()

    def tell_room(self, room: Callable[[WorkerProcess], bool]) -> None:
        """Tell those that serve, between two checks, whether others take sessions."""
        for worker in self:
            if worker.state is State.SERVING:
                worker.tell_room(room(worker))

    def _note_drain(self) -> None:
        serving = [worker for worker in self if worker.state is State.SERVING]
        self.drained |= any(worker.alive.get("draining", False) for worker in serving)

    def _misses_drain(self, worker: WorkerProcess) -> bool:
        serves = worker.state is State.SERVING
        return self.drained and serves and worker.alive.get("draining") is False

    def _changed(self, _: WorkerProcess) -> None:
        self._note_drain()
        self.on_change()

    def _give_up_restarts(self) -> None:
        self._restarting = False
        restarts, self._restarts = self._restarts, {}
        for timer in restarts.values():
            timer.cancel()

    def _start_worker(self, number: int) -> WorkerProcess:
        worker = WorkerProcess(number, self.number, self._clock, self._ended, self._hang_time)
        worker.on_change = self._changed
        self._workers[number] = worker
        worker.start(self._launcher, self.configuration)
        return worker

    def _serve(self, worker: WorkerProcess) -> None:
        if worker.configuration != self.configuration:  # a reload came in between
            worker.kill()
            return
        worker.serve()
        if self.drained:
            worker.drain()
        self.log.info("{worker} (process {pid}) serves", worker=worker.name, pid=worker.pid)

    def _ended(self, worker: WorkerProcess, why: str) -> None:
        restarts = self._restarting and self._workers.get(worker.number) is worker
        if not restarts:  # it retires, or an upgrade wants fewer
            self.log.info("{worker} has ended", worker=worker.name)
        else:
            pause = self._pause(worker)
            self.log.error(
                "{worker} ended by {why}, and its sessions with it; another one starts in "
                "{pause:g} s",
                worker=worker.name,
                why=why,
                pause=pause,
            )
            self._restarts[worker.number] = self._clock.callLater(
                pause, self._restart, worker.number
            )
        self._on_end(worker, restarts)

    def _pause(self, worker: WorkerProcess) -> float:
        """Return the seconds until a worker is started again."""
        lived = self._clock.seconds() - worker.started_at
        pause = FIRST_PAUSE if lived >= STABLE else self._pauses.get(worker.number, FIRST_PAUSE)
        self._pauses[worker.number] = min(2 * pause, LONGEST_PAUSE)
        return pause

    def _restart(self, number: int) -> None:
        del self._restarts[number]
        worker = self._start_worker(number)
        worker.ready.addCallbacks(
            lambda _: self._serve(worker), lambda failure: self._not_ready(worker, failure.value)
        )

    def _not_ready(self, worker: WorkerProcess, error: Exception) -> None:
        text = error.detail if isinstance(error, ConfigurationError) else str(error)
        for line in text.splitlines():
            self.log.error("{worker} cannot start: {line}", worker=worker.name, line=line)
