"""The hosts whose machines this proxy serves, asked of its backends where that is ``auto``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ..config.settings import Settings
from ..errors import VNCProxyError
from ..interfaces import IConsoleBackend, IKnowsHosts

INTERVAL = 30.0
"""Seconds between two questions: a cluster may get another host."""

INTERVAL_UNKNOWN = 2.0
"""The same while a backend has not answered yet, since no machine is served before."""

TIME_LIMIT = 10.0
"""Seconds for one answer."""


class ServedHosts:
    """The hosts that are announced.

    Args:
        settings: returns those in force.
        backends: returns those of the configuration in force.
        reactor: a clock.

    Attributes:
        on_change: called when the names have changed.
    """

    log = Logger()

    def __init__(
        self,
        settings: Callable[[], Settings],
        backends: Callable[[], Mapping[str, IConsoleBackend]],
        reactor: Any,
    ) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self._settings = settings
        self._backends = backends
        self._reactor = reactor
        self._answers: dict[str, tuple[str, ...]] = {}
        self._problems: dict[str, str] = {}
        self._loop = LoopingCall(self._ask_all)
        self._loop.clock = reactor

    def names(self) -> tuple[str, ...] | None:
        """Return the names; None for every host. With ``auto``, none until they are known."""
        serves = self._settings().proxy.serves
        if serves == "all":
            return None
        if isinstance(serves, tuple):
            return serves
        known = [name for each in self._backends() for name in self._answers.get(each, ())]
        return tuple(dict.fromkeys(known))

    def start(self) -> None:
        """Ask now and from time to time until `stop`, if the settings in force want it."""
        if self._settings().proxy.serves == "auto" and not self._loop.running:
            self._loop.start(INTERVAL_UNKNOWN).addErrback(self._failed)

    def stop(self) -> None:
        """Ask no more."""
        if self._loop.running:
            self._loop.stop()

    async def _ask_all_backends(self) -> None:
        before = self.names()
        for name, backend in self._backends().items():
            if IKnowsHosts.providedBy(backend):
                await self._ask(name, IKnowsHosts(backend))
        if self.names() != before:
            self.log.info("serves {hosts}", hosts=", ".join(self.names() or ()) or "no host")
            self.on_change()

    def _ask_all(self) -> Deferred[None] | None:
        if self._settings().proxy.serves != "auto":
            self.stop()
            return None
        return Deferred.fromCoroutine(self._ask_all_backends()).addCallback(self._slow_down)

    def _slow_down(self, _: None) -> None:
        self._loop.interval = INTERVAL if self.names() else INTERVAL_UNKNOWN

    async def _ask(self, name: str, backend: IKnowsHosts) -> None:
        async def asked() -> Sequence[str]:
            found: Sequence[str] = await backend.own_hosts()
            return found

        try:
            answer = Deferred.fromCoroutine(asked()).addTimeout(TIME_LIMIT, self._reactor)
            self._answers[name] = tuple(await answer)
            self._problems.pop(name, None)
        except (VNCProxyError, TimeoutError) as e:
            self._log_problem(name, str(e) or f"no answer within {TIME_LIMIT:g} s")

    def _log_problem(self, name: str, why: str) -> None:
        """Log why a backend does not answer, once for each reason."""
        if self._problems.get(name) != why:
            self._problems[name] = why
            self.log.warn(
                "backend {name} does not say which hosts it has, for proxy.serves: {why}",
                name=name,
                why=why,
            )

    def _failed(self, failure: Any) -> None:
        self.log.failure("the hosts to serve are not asked for any more", failure)
