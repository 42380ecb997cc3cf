"""The service of a proxy with workers: start, reload, upgrade, stop.

It reads neither keys nor certificates and serves nothing; what it does itself is bind the listening
sockets, write the log, and watch its workers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ConfigurationError
from ..logs.process import process_logging
from ..service.exit_status import end_process_with
from ..service.gateway import cannot_start
from ..service.log_file import ProcessLog
from ..service.notify import Notifier
from .channel import Message
from .figures import Figures
from .generation import Generation
from .hang import HANG_TIME
from .installed import fingerprint
from .launching import Launcher
from .process import StartFailed, State, WorkerProcess
from .sockets import ListeningSockets
from .transaction import ReloadFailed, reload_all

CHECK_PERIOD = 1.0
"""Seconds between two pings of each worker."""

CONFIGURATION_ERROR = 2
"""The exit status that systemd does not answer with a restart."""


class Supervisor(Service):
    """A proxy with workers.

    Args:
        path: the configuration file.
        workers: how many it wants.
        launcher: makes the launcher of workers, given further variables of their environment.
        log_file: of this process.
        notifier: tells systemd.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        workers: int,
        sockets: ListeningSockets,
        launcher: Callable[[dict[str, str]], Launcher],
        log_file: ProcessLog,
        notifier: Notifier,
        reactor: Any,
    ) -> None:
        self._path = path
        self._workers = workers
        self._sockets = sockets
        self._make_launcher = launcher
        self._log_file = log_file
        self._notifier = notifier
        self._reactor = reactor
        self._generations: list[Generation] = []
        self._installed = fingerprint()
        self._checks = LoopingCall(self._check)
        self._checks.clock = reactor
        self._task: Deferred[None] | None = None
        self._wanted: list[Callable[[], Any]] = []
        self._stopping = False
        self._restarts = 0
        self._reloads = 0

    def privilegedStartService(self) -> None:
        """Bind the sockets under ``twistd``.

        Raises:
            CannotStart: an address cannot be listened on.
        """
        with cannot_start():
            self._sockets.privilegedStartService()

    def startService(self) -> None:
        """Bind the sockets under ``twist``, and start the first workers.

        Raises:
            CannotStart: an address cannot be listened on.
        """
        super().startService()
        with cannot_start():
            self._sockets.startService()
        self._log_file.find_open_file()
        self._figures = Figures()
        self._launcher = self._make_launcher(self._figures.environment)
        self._checks.start(CHECK_PERIOD, now=False)
        self._do(self._begin)

    def stopService(self) -> Deferred[None]:
        """End all sessions with their reason, and all workers, then close the sockets."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def finish(self) -> Deferred[None]:
        """Let all workers prepare their end as a single process does on SIGTERM.

        Returns:
            Fires when all have ended.
        """
        self._begin_stop()
        return Deferred.fromCoroutine(self._finish())

    def reload(self) -> None:
        """Read the configuration again; upgrade, if another version has been installed."""
        self._do(self._reload)

    def upgrade(self) -> None:
        """Replace the workers by new ones, which serve all new sessions."""
        self._do(self._upgrade)

    @property
    def _current(self) -> Generation:
        return self._generations[-1]

    def _do(self, task: Callable[[], Any]) -> None:
        """Run a task after those that were asked for before; a repeated one only once more."""
        if self._stopping:
            self.log.info("nothing is reloaded: the proxy is stopping")
        elif self._task is not None:
            if task not in self._wanted:
                self._wanted.append(task)
        else:
            self._task = Deferred.fromCoroutine(task())
            self._task.addErrback(self._failed).addBoth(self._done)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("a defect; everything goes on as before", failure)

    def _done(self, _: object) -> None:
        self._task = None
        if self._wanted and not self._stopping:
            self._do(self._wanted.pop(0))

    async def _begin(self) -> None:
        """Start the first workers; the process ends if they cannot start."""
        try:
            generation = await self._start_generation()
        except (StartFailed, ConfigurationError) as e:
            self._log_lines("the proxy cannot start", str(e))
            end_process_with(CONFIGURATION_ERROR)
            self._reactor.callLater(0, self._reactor.stop)
            return
        generation.serve()
        self._notifier.ready()
        self._check()

    async def _start_generation(self) -> Generation:
        """Return a generation whose workers are all ready.

        Raises:
            StartFailed: they are not; those that started have been ended.
            ConfigurationError: the configuration cannot be read.
        """
        number = self._generations[-1].number + 1 if self._generations else 1
        text = await self._read_configuration()
        hang_time = self._notifier.watchdog or HANG_TIME
        count = int(self._current.told["workers"]) if self._generations else self._workers
        generation = Generation(
            number, text, count, self._launcher, self._reactor, self._on_end, hang_time
        )
        self._generations.append(generation)
        try:
            await generation.start()
        except BaseException:
            self._generations.remove(generation)
            for worker in generation:
                worker.kill()
            raise
        return generation

    async def _read_configuration(self) -> bytes:
        """Read the file in a thread: a file system may hang."""
        reading = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), self._path.read_bytes
        )
        try:
            text: bytes = await reading
        except OSError as e:
            raise ConfigurationError(f"{self._path}: cannot be read: {e.strerror}") from e
        return text

    async def _reload(self) -> None:
        if self._stopping:
            return
        if fingerprint() != self._installed:
            self.log.info("another version has been installed: the workers are replaced")
            await self._upgrade()
            return
        self._notifier.reloading()
        try:
            self._log_file.check()
            text = await self._read_configuration()
            self._reloads += 1
            changes = await reload_all(self._current, text, self._reloads)
        except (ConfigurationError, ReloadFailed) as e:
            self._log_lines("configuration not reloaded, everything goes on as before", str(e))
        else:
            told = self._current.told
            self.log.info(
                "configuration reloaded: {changes}; configuration {digest} is in force",
                changes=", ".join(changes),
                digest=told.get("digest", ""),
            )
            _write_log_as(told)
            self._reopen_files()
        finally:
            self._notifier.ready()

    def _reopen_files(self) -> None:
        for generation in self._generations[:-1]:
            for worker in generation:
                worker.reopen()
        try:
            self._log_file.reopen()
        except OSError as e:
            self.log.error("the log cannot be opened again: {error}", error=e)

    async def _upgrade(self) -> None:
        if self._stopping:
            return
        old, installed = self._current, fingerprint()
        self._notifier.reloading()
        try:
            new = await self._start_generation()
        except (StartFailed, ConfigurationError) as e:
            self._log_lines("not upgraded, the workers stay as they are", str(e))
        else:
            new.serve()
            old.retire()
            self._installed = installed
            _write_log_as(new.told)
            self.log.info(
                "upgraded to {version}: new sessions go to generation {number}; the workers before "
                "end with their last session, or in {seconds:g} s",
                version=new.told.get("version"),
                number=new.number,
                seconds=new.told.get("drain_timeout", 0.0),
            )
        finally:
            self._notifier.ready()
            self._check()

    def _log_lines(self, what: str, lines: str) -> None:
        self.log.error("{what}; what is wrong:", what=what)
        for line in dict.fromkeys(lines.splitlines()):
            self.log.error("configuration: {line}", line=line)

    def _check(self) -> None:
        """Watch, for ever: a defect in one round must not end it."""
        try:
            self._check_workers()
        except Exception:  # noqa: BLE001
            self.log.failure("the workers were not checked")

    def _check_workers(self) -> None:
        """Make sure that all workers answer, and tell them and systemd how the proxy is."""
        self._generations[:-1] = [each for each in self._generations[:-1] if list(each)]
        serving = self._serving()
        roomy = [worker for worker in serving if worker.alive.get("room", False)]
        for generation in self._generations:
            generation.check(lambda worker: any(other is not worker for other in roomy))
        workers = [worker for each in self._generations for worker in each]
        sessions = sum(worker.alive.get("sessions", 0) for worker in workers)
        restarts = self._restarts + sum(each.restarts for each in self._generations)
        number = self._generations[-1].number if self._generations else 1
        self._figures.write(len(serving), restarts, number)
        self._notifier.alive(f"{sessions} sessions, {len(serving)} workers serve")

    def _serving(self) -> list[WorkerProcess]:
        if not self._generations:
            return []
        return [each for each in self._current if each.state is State.SERVING]

    def _on_end(self, worker: WorkerProcess) -> None:
        self._figures.ended(worker.pid)

    def _begin_stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._notifier.stopping()
        if self._task is not None:
            self._task.cancel()

    async def _finish(self) -> None:
        await DeferredList([Deferred.fromCoroutine(each.stop()) for each in self._generations])

    async def _stop(self) -> None:
        self._begin_stop()
        for generation in self._generations:
            generation.stop_now()
        await self._finish()
        if self._checks.running:
            self._checks.stop()
        await (self._sockets.stopService() or succeed(None))
        self._figures.remove()


def _write_log_as(told: Message) -> None:
    """Write the log as a worker says that the configuration has it."""
    if log := told.get("log"):
        process_logging.configure(log["format"], log["level"])
