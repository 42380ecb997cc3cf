"""One worker as the supervisor sees it: its process, its channel, and what it writes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConfigurationError
from .channel import Channel, Message, open_channel
from .hang import Heartbeat
from .launching import LOG, Launcher
from .log_events import publish

START_TIME = 60.0
"""Seconds for a worker to read its configuration and become ready."""

KILL_TIME = 2.0
"""Seconds between SIGABRT, which makes a hung worker show where it stands, and SIGKILL."""


class State(Enum):
    """The life of a worker, in order."""

    STARTING = "starting"
    READY = "ready"
    SERVING = "serving"
    RETIRING = "retiring"
    STOPPING = "stopping"
    ENDED = "ended"


class StartFailed(Exception):
    """A worker has not become ready."""


class WorkerProcess(ProcessProtocol):
    """One process of a worker.

    Args:
        number: from 1.
        generation: from 1.
        on_end: called when the process has ended, with this object and what it ended by.
        hang_time: seconds without an answer after which it is killed.

    Attributes:
        ready: fires with its first message; fails with `StartFailed` or ``ConfigurationError``.
        ended: fires when the process has ended.
        configuration: the text that it was started with.
        alive: its last answer to a ping, with ``sessions``, ``room`` and ``draining``.
        id: of the process in the cluster; empty until it is ready.
        on_change: called when ``room`` or ``draining`` has changed between two pings.
    """

    log = Logger()

    def __init__(
        self,
        number: int,
        generation: int,
        clock: Any,
        on_end: Callable[[WorkerProcess, str], None],
        hang_time: float,
    ) -> None:
        self.number = number
        self.generation = generation
        self.name = f"worker {number}" + (f".{generation}" if generation > 1 else "")
        self.state = State.STARTING
        self.ready: Deferred[Message] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.alive: Message = {}
        self.started_at = clock.seconds()
        self.pid = 0
        self.id = ""
        self.on_change: Callable[[WorkerProcess], None] = lambda worker: None
        self.configuration = b""
        self._clock = clock
        self._on_end = on_end
        self._answers: dict[tuple[str, int], Deferred[Message]] = {}
        self._channel = Channel(self._received, lambda: None)
        self._heartbeat = Heartbeat(self._ping, self._hangs, clock, hang_time)
        self._room_elsewhere = self._told_room = True
        self._lines: dict[int, bytes] = {}
        self._timers: list[IDelayedCall] = []

    def start(self, launcher: Launcher, configuration: bytes) -> None:
        """Start the process."""
        self.configuration = configuration
        try:
            transport, channel = launcher.start(self, self.number, self.generation, configuration)
        except OSError as e:  # no memory, too many processes, no permission
            self._end(f"an error: {e}")
            return
        self.pid = transport.pid
        open_channel(self._channel, channel, launcher.reactor)
        self._later(START_TIME, self._start_is_over)

    def serve(self) -> None:
        """Let it listen."""
        self.state = State.SERVING
        self._channel.send_message(do="serve")

    def retire(self) -> None:
        """Let it stop accepting, and end with its last session."""
        self.state = State.RETIRING
        self._channel.send_message(do="retire")

    def drain(self) -> None:
        """Let it take no sessions."""
        self._channel.send_message(do="drain")

    def tell_room(self, room_elsewhere: bool) -> None:
        """Tell it whether other workers take sessions, where that has changed since it was told."""
        self._room_elsewhere = room_elsewhere
        if self._told_room != room_elsewhere:
            self._told_room = room_elsewhere
            self._channel.send_message(do="room", room=room_elsewhere)

    def reopen(self) -> None:
        """Let it open its files again."""
        self._channel.send_message(do="reopen")

    def ask(self, do: str, answer: str, number: int, **more: Any) -> Deferred[Message]:
        """Send a message; the Deferred fires with its answer, or fails if the process ends."""
        waiting: Deferred[Message] = Deferred()
        self._answers[answer, number] = waiting
        self._channel.send_message(do=do, id=number, **more)
        return waiting

    def tell(self, do: str, number: int) -> None:
        """Send a message that has no answer."""
        self._channel.send_message(do=do, id=number)

    def check(self, room_elsewhere: bool) -> None:
        """Make sure that it answers, and tell it whether other workers take sessions."""
        self._room_elsewhere = room_elsewhere
        if self.state not in (State.STARTING, State.ENDED):
            self._heartbeat.beat()

    def stop(self, limit: float) -> Deferred[None]:
        """Let it end its sessions and itself; returns when it has ended.

        Args:
            limit: seconds after which it is killed.
        """
        if self.state is not State.ENDED:
            self.state = State.STOPPING
            self.send_signal(signal.SIGTERM)
            self._later(limit, self.kill)
        return self.ended

    def stop_now(self) -> None:
        """Let it end its sessions and itself, without waiting for sessions that could move."""
        self._channel.send_message(do="stop")

    def kill(self) -> None:
        """End it now."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        try:
            if self.transport is not None:
                self.transport.signalProcess(number)
        except ProcessExitedAlready:
            pass

    def childDataReceived(self, fd: int, data: bytes) -> None:
        """Pass on what it logs and prints; called by the reactor."""
        *lines, rest = (self._lines.pop(fd, b"") + data).split(b"\n")
        if rest:
            self._lines[fd] = rest
        for line in lines:
            self._write(fd, line)

    def processExited(self, reason: Failure) -> None:
        """Note the end of the process; called by the reactor."""
        self._end(_ended_by(reason))

    def _end(self, why: str) -> None:
        before, self.state = self.state, State.ENDED
        self._cancel_timers()
        if before is State.STARTING:
            self._fail_start(StartFailed(f"it ended by {why}; the log has more"))
        waiting, self._answers = self._answers, {}
        for answer in waiting.values():
            answer.errback(StartFailed(f"{self.name} ended"))
        self.ended.callback(None)
        self._on_end(self, why)

    def processEnded(self, reason: Failure) -> None:
        """Write what it has printed last; called by the reactor."""
        for number, rest in self._lines.items():
            self._write(number, rest)

    def _write(self, number: int, line: bytes) -> None:
        if number == LOG:
            publish(line, self.name)
        elif line.strip():
            text = line.decode(errors="replace")
            self.log.error("{worker} printed: {text}", worker=self.name, text=text)

    def _received(self, message: Message) -> None:
        match message.get("is"):
            case "ready" if self.state is State.STARTING:
                self.state = State.READY
                self.id = str(message.get("worker", ""))
                self._cancel_timers()
                self.ready.callback(message)
            case "failed":
                self._fail_start(ConfigurationError("\n".join(message.get("errors", ()))))
            case "alive":
                self.alive = message
                self._heartbeat.answered()
            case "full":
                self._change(room=False)
            case "drained":
                self._change(draining=True)
            case str(answer):
                waiting = self._answers.pop((answer, message.get("id", 0)), None)
                if waiting is not None:
                    waiting.callback(message)

    def _change(self, **news: bool) -> None:
        self.alive = {**self.alive, **news}
        self.on_change(self)

    def _fail_start(self, error: Exception) -> None:
        if not self.ready.called:
            self.ready.errback(error)

    def _start_is_over(self) -> None:
        self._fail_start(StartFailed(f"it was not ready after {START_TIME:g} s"))
        self.kill()

    def _ping(self) -> None:
        self._told_room = self._room_elsewhere
        self._channel.send_message(do="ping", room=self._room_elsewhere)

    def _hangs(self) -> None:
        self.log.error("{worker} does not answer and is killed", worker=self.name)
        self.send_signal(signal.SIGABRT)
        self._later(KILL_TIME, self.kill)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(self._clock.callLater(seconds, call))

    def _cancel_timers(self) -> None:
        timers, self._timers = self._timers, []
        for timer in timers:
            if timer.active():
                timer.cancel()


def _ended_by(reason: Failure) -> str:
    """Return how a process ended, such as ``signal SIGKILL`` or ``exit status 2``."""
    value: Any = reason.value
    if value.signal is not None:
        return f"signal {signal.Signals(value.signal).name}"
    return f"exit status {value.exitCode}"
