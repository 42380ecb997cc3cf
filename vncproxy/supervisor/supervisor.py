"""The service of a proxy with workers: start, reload, upgrade, stop.

It reads neither keys nor certificates and serves nothing; what it does itself is bind the listening
sockets, write the log, and watch its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

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
from .one_at_a_time import OneAtATime
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

    Raises:
        ConfigurationError: the file cannot be read.
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
        self._text = _read(path)  # as the user that twistd begins with
        self._workers = workers
        self._sockets = sockets
        self._make_launcher = launcher
        self._log_file = log_file
        self._notifier = notifier
        self._reactor = reactor
        self._current: Generation | None = None
        self._others: list[Generation] = []
        self._ended: list[str] = []
        self._installed = fingerprint()
        self._checks = LoopingCall(self._check)
        self._checks.clock = reactor
        self._tasks = OneAtATime()
        self._stopping = False
        self._restarts = self._reloads = self._forgotten = 0

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
        self._tasks.run(self._begin)

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
        self._tasks.run(self._reload)

    def upgrade(self) -> None:
        """Replace the workers by new ones, which serve all new sessions."""
        self._tasks.run(self._upgrade)

    @property
    def _generations(self) -> list[Generation]:
        """All whose workers live, the current one last."""
        return [*self._others, *([self._current] if self._current else [])]

    async def _begin(self) -> None:
        """Start the first workers; the process ends if they cannot start."""
        try:
            new = await self._start_generation(self._text, self._workers)
        except (StartFailed, ConfigurationError) as e:
            self._log_lines("the proxy cannot start", e)
            end_process_with(CONFIGURATION_ERROR if isinstance(e, ConfigurationError) else 1)
            self._reactor.callLater(0, self._reactor.stop)
            return
        self._let_serve(new)
        self._notifier.ready()

    async def _start_generation(self, text: bytes, workers: int) -> Generation:
        """Return a generation whose workers are all ready.

        Raises:
            StartFailed: they are not; those that started have been ended.
            ConfigurationError: their configuration cannot be used.
        """
        number = self._current.number + 1 if self._current else 1
        hang_time = self._notifier.watchdog or HANG_TIME
        new = Generation(
            number, text, workers, self._launcher, self._reactor, self._on_end, hang_time
        )
        new.on_change = self._tell_room
        self._others.append(new)
        try:
            await new.start()
        except BaseException:
            for worker in new:
                worker.kill()
            raise
        self._others.remove(new)
        return new

    def _let_serve(self, new: Generation) -> None:
        drained = self._current is not None and self._current.drained
        self._current = new
        new.serve(drained)
        self._check()

    async def _read_configuration(self) -> bytes:
        """Read the file in a thread: a file system may hang.

        Raises:
            ConfigurationError: it cannot be read.
        """
        pool = self._reactor.getThreadPool()
        return await deferToThreadPool(self._reactor, pool, _read, self._path)

    async def _reload(self) -> None:
        if self._current is None:
            return
        if fingerprint() != self._installed:
            self.log.info("another version has been installed: the workers are replaced")
            await self._upgrade()
            self._reopen_files(self._generations)
            return
        self._notifier.reloading()
        try:
            self._log_file.check()
            text = await self._read_configuration()
            self._reloads += 1
            changes = await reload_all(self._current, text, self._reloads)
        except (ConfigurationError, ReloadFailed) as e:
            self._log_lines("configuration not reloaded, everything goes on as before", e)
        else:
            told = self._current.told
            self.log.info(
                "configuration reloaded: {changes}; configuration {digest} is in force",
                changes=", ".join(changes),
                digest=told.get("digest", ""),
            )
            _write_log_as(told)
            self._reopen_files(self._others)
        finally:
            self._notifier.ready()

    def _reopen_files(self, generations: Iterable[Generation]) -> None:
        for generation in generations:
            for worker in generation:
                worker.reopen()
        try:
            self._log_file.reopen()
        except OSError as e:
            self.log.error("the log cannot be opened again: {error}", error=e)

    async def _upgrade(self) -> None:
        old, installed = self._current, fingerprint()
        if old is None:
            return
        self._notifier.reloading()
        try:
            text = await self._read_configuration()
            new = await self._start_generation(text, int(old.told["workers"]))
        except (StartFailed, ConfigurationError) as e:
            self._log_lines("not upgraded, the workers stay as they are", e)
        else:
            self._others.append(old)
            self._let_serve(new)
            old.retire()
            self._installed = installed
            _write_log_as(new.told)
            self._log_upgrade(new)
        finally:
            self._notifier.ready()

    def _log_upgrade(self, new: Generation) -> None:
        self.log.info(
            "upgraded to {version}: new sessions go to generation {number}; the workers before end "
            "with their last session, or in {seconds:g} s",
            version=new.told.get("version"),
            number=new.number,
            seconds=new.told.get("drain_timeout", 0.0),
        )

    def _log_lines(self, what: str, error: Exception) -> None:
        self.log.error("{what}; what is wrong:", what=what)
        text = error.detail if isinstance(error, ConfigurationError) else str(error)
        for line in dict.fromkeys(text.splitlines()):
            self.log.error("configuration: {line}", line=line)

    def _check(self) -> None:
        """Watch, for ever: a defect in one round must not end it."""
        try:
            self._check_workers()
        except Exception:  # noqa: BLE001
            self.log.failure("the workers were not checked")

    def _check_workers(self) -> None:
        """Make sure that all workers answer, and tell them and systemd how the proxy is."""
        self._others = [each for each in self._others if list(each)]
        room = self._room_elsewhere()
        for generation in self._generations:
            generation.check(room)
        self._forget_ended()
        self._show(len(self._serving))

    @property
    def _serving(self) -> list[WorkerProcess]:
        return [each for each in self._current or () if each.state is State.SERVING]

    def _room_elsewhere(self) -> Callable[[WorkerProcess], bool]:
        """Return a function that tells whether another worker than one takes sessions."""
        roomy = [worker for worker in self._serving if worker.alive.get("room", False)]
        return lambda worker: any(other is not worker for other in roomy)

    def _tell_room(self) -> None:
        """Tell all workers at once that one of them is full."""
        room = self._room_elsewhere()
        for generation in self._generations:
            generation.tell_room(room)

    def _forget_ended(self) -> None:
        """Let a worker end the announcements of those that were killed."""
        serving = self._serving
        while serving and self._ended:
            self._forgotten += 1
            ended = self._ended.pop()
            asked = serving[0].ask("forget", "forgotten", self._forgotten, worker=ended)
            asked.addErrback(lambda _, ended: self._ended.append(ended), ended)

    def _show(self, serving: int) -> None:
        workers = [worker for each in self._generations for worker in each]
        sessions = sum(worker.alive.get("sessions", 0) for worker in workers)
        number = self._current.number if self._current else 1
        if self._current is not None:  # before, systemd waits for READY and watches nothing
            self._notifier.alive(f"{sessions} sessions, {serving} workers serve")
        self._figures.write(serving, self._restarts, number)

    def _on_end(self, worker: WorkerProcess, restarts: bool) -> None:
        self._restarts += restarts
        self._figures.ended(worker.pid)
        if worker.id:
            self._ended.append(worker.id)
            self._forget_ended()

    def _begin_stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._notifier.stopping()
            self._tasks.stop()

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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise ConfigurationError(f"{path}: cannot be read: {e.strerror}") from e
