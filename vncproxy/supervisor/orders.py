"""What a worker does on each message of its supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .. import __version__
from ..config.digest import configuration_digest
from ..errors import ConfigurationError
from ..service.composition import make_service
from ..service.garbage import freeze_what_is_there
from ..service.gateway import longest_stop
from ..service.monotonic import use_monotonic_clock
from ..service.signals import TerminationHandler
from .channel import Channel, Message
from .inherited import InheritedListeners
from .sockets import endpoints_of

if TYPE_CHECKING:
    from ..tap import WorkerOptions


class Orders:
    """The proxy of a worker, and what the supervisor orders.

    Args:
        options: the command line, with the configuration.
        listeners: the inherited sockets.

    Attributes:
        channel: to the supervisor; to be set before the first message.

    Raises:
        ConfigurationError: the proxy cannot be made by this configuration.
    """

    log = Logger()
    channel: Channel

    def __init__(self, options: WorkerOptions, listeners: InheritedListeners, reactor: Any) -> None:
        use_monotonic_clock(reactor)
        listeners.check(endpoints_of(options.checked.listen))
        self._options = options
        self._gateway = make_service(
            options.checked, reactor, read=options.settings, inherit=listeners.take
        )
        self._gateway.on_drain = lambda: self._send("drained")
        self._gateway.siblings.on_full = lambda: self._send("full")
        self._prepared: dict[int, Any] = {}
        self._is_ending = False
        self._room_elsewhere = True
        self._termination = TerminationHandler(reactor, self._gateway.finish)
        reactor.addSystemEventTrigger("before", "shutdown", self._stop)

    def report_ready(self) -> None:
        """Say that this worker can serve."""
        worker_id = self._gateway.identity.worker_id
        self._send("ready", worker=worker_id, version=__version__, **self._wanted())

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        order = getattr(self, f"_on_{message.get('do')}", None)
        if order is not None:
            order(message)

    def end(self) -> None:
        """End, since the supervisor is gone."""
        if not self._is_ending:
            self.log.error("the supervisor is gone: this worker ends")
            self._end()

    def _wanted(self) -> dict[str, Any]:
        """Return what the supervisor has to know of the configuration."""
        settings = self._gateway.settings
        return {
            "workers": settings.proxy.worker_count(),
            "stop_seconds": longest_stop(settings) + 5.0,
            "drain_timeout": settings.proxy.drain_timeout,
            "log": {"format": settings.log.format, "level": settings.log.level},
            "digest": configuration_digest(settings),
        }

    def _send(self, what: str, **members: Any) -> None:
        self.channel.send_message(**{"is": what, **members})

    def _on_serve(self, _: Message) -> None:
        try:
            self._gateway.privilegedStartService()
            self._gateway.startService()
        except Exception:  # noqa: BLE001 the supervisor starts another one
            self.log.failure("this worker cannot serve, and ends")
            self._end()
        else:
            freeze_what_is_there()

    def _on_ping(self, message: Message) -> None:
        siblings, sessions = self._gateway.siblings, self._gateway.sessions
        siblings.update(bool(message.get("room")))
        self._gateway.metrics.registry.refresh()
        room = siblings.report()
        # one that ends alone, by a signal, is no drain of the proxy
        draining = sessions.draining and not self._termination.has_begun
        self._send("alive", sessions=len(sessions), room=room, draining=draining)

    def _on_room(self, message: Message) -> None:
        self._gateway.siblings.update(bool(message.get("room")))

    def _on_prepare(self, message: Message) -> None:
        number, text = message["id"], message["text"].encode("utf-8", "surrogateescape")
        preparing = Deferred.fromCoroutine(self._prepare(number, text))
        preparing.addErrback(self._refuse, number)

    async def _prepare(self, number: int, text: bytes) -> None:
        before, self._options.text = self._options.text, text
        try:
            self._prepared[number] = await self._gateway.prepare_reload()
        except BaseException:
            self._options.text = before
            raise
        self._send("prepared", id=number, errors=[])

    def _refuse(self, failure: Failure, number: int) -> None:
        error = failure.value
        if isinstance(error, ConfigurationError):
            errors = error.detail.splitlines()
        else:
            self.log.failure("the configuration was not read", failure)
            errors = [_defect(error)]
        self._send("prepared", id=number, errors=errors)

    def _on_apply(self, message: Message) -> None:
        changes, errors = [], []
        try:
            changes = self._prepared.pop(message["id"]).apply()
            self._gateway.warn()
        except Exception as e:  # noqa: BLE001 the supervisor waits for an answer
            self.log.failure("the configuration was not applied, or only in part")
            errors = [_defect(e)]
        self._send("applied", id=message["id"], changes=changes, errors=errors, **self._wanted())

    def _on_discard(self, message: Message) -> None:
        prepared = self._prepared.pop(message["id"], None)
        if prepared is not None:
            prepared.discard()

    def _on_reopen(self, _: Message) -> None:
        self._gateway.reopen_files()

    def _on_retire(self, _: Message) -> None:
        self._gateway.retire().addBoth(lambda _: self._end())

    def _on_drain(self, _: Message) -> None:
        self._gateway.drain()

    def _on_forget(self, message: Message) -> None:
        forgetting = self._gateway.forget(str(message["worker"]))
        forgetting.addBoth(lambda _: self._send("forgotten", id=message["id"]))

    def _on_stop(self, _: Message) -> None:
        self._end()

    def _end(self) -> None:
        if not self._is_ending:
            self._is_ending = True
            self._termination.stop()

    def _stop(self) -> Deferred[None] | None:
        self._is_ending = True
        return self._gateway.stopService() if self._gateway.running else None


def _defect(error: BaseException | None) -> str:
    """Return a line about an error whose text may hold anything."""
    return f"a defect: {type(error).__name__}"
