"""Keeps links to a zone: dials again with back-off, and has tunnels made that are asked for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ZoneError
from ..model import LinkState, UnixTime
from ..zones.request import Act
from .control import Control
from .dialled import Line
from .messages import Hello, Message, Open
from .tunnels import Tunnels

LINKS: Final = 2
"""Links of one process: behind a load balancer, the end of one proxy leaves the other link."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 16.0
"""Seconds between two attempts; each pause is twice the last one, half of it random."""

STABLE: Final = 5.0
"""Seconds after which a link that is lost is no reason for a longer pause."""


class Dialler:
    """Keeps links to one zone, from `start` to `stop`.

    Args:
        line: makes connections to the zone.
        tunnels: makes those that are asked for.
        network: the reactor.
        spread: returns a number from 0 to 1, so that many processes do not dial at once.
        time: wall-clock time.
        on_change: is called when a link stands or is lost.
    """

    log = Logger()

    def __init__(
        self,
        line: Line,
        tunnels: Tunnels,
        network: Any,
        on_change: Callable[[], object] = lambda: None,
        spread: Callable[[], float] = random.random,
        time: Callable[[], UnixTime] = time.time,
    ) -> None:
        self.line = line
        self._tunnels = tunnels
        self._network = network
        self._on_change = on_change
        self._spread = spread
        self._time = time
        self._links: set[Control] = set()
        self._keeping: list[Deferred[None]] = []
        self._since: UnixTime | None = None
        self._problem = ""

    def start(self) -> None:
        """Dial, and dial again whenever a link is lost."""
        for number in range(LINKS):
            keeping = Deferred.fromCoroutine(self._keep(number))
            keeping.addErrback(self._failed)
            self._keeping.append(keeping)

    def stop(self, why: str) -> None:
        """Close the links, and dial no more; tunnels that were made stay."""
        for control in list(self._links):
            control.end(why)
        keeping, self._keeping = self._keeping, []
        for each in keeping:
            each.cancel()

    def state(self) -> LinkState:
        """Return how many links stand now."""
        return LinkState("us", len(self._links), self._since, self._problem)

    async def _keep(self, number: int) -> None:
        pause = SHORTEST_PAUSE
        while True:
            stood = 0.0
            try:
                stood = await self._serve_link()
            except ZoneError as e:
                self._note_problem(e, pause)
            if stood >= STABLE:
                pause = SHORTEST_PAUSE
            await deferLater(self._network, pause * (1 + self._spread()) / 2)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _serve_link(self) -> float:
        """Dial, and return when the link is lost; returns the seconds for which it stood.

        Raises:
            ZoneError: there is none.
        """
        ended: Deferred[str] = Deferred()
        control = Control(
            self._network, lambda message: self._take(control, message), ended.callback
        )
        await self.line.dial(OneProtocol(control), Act.LINK)
        control.begin()
        self._links.add(control)
        self._changed(1)
        try:
            why = await ended
        finally:
            self._links.discard(control)
            control.end("the proxy that dials stops")
            self._changed(0)
        stood: float = self._network.seconds() - control.began_at
        self.log.warn(
            "zone {zone}: a link to {place} is lost after {seconds} s, {left} left: {why}",
            zone=self.line.zone.name,
            place=self.line.zone.place,
            seconds=round(stood, 1),
            left=len(self._links),
            why=why,
        )
        return stood

    def _take(self, control: Control, message: Message) -> None:
        if isinstance(message, Hello):
            self._problem = ""
            self.log.info(
                "zone {zone}: a link to {place} stands, proxy {proxy}, vncproxy {version}, its "
                "clock is {seconds} s ahead",
                zone=self.line.zone.name,
                place=self.line.zone.place,
                proxy=message.proxy,
                version=message.version,
                seconds=round(message.time - self._time(), 1),
            )
        elif isinstance(message, Open):
            self._tunnels.begin(self.line, message, control)

    def _note_problem(self, error: ZoneError, pause: float) -> None:
        """Log an attempt that failed; the same reason again only while the pauses grow."""
        again, self._problem = error.detail == self._problem, error.detail
        if again and pause >= LONGEST_PAUSE:
            return
        self.log.warn(
            "{code}: {why}; the next attempt follows within {pause} s",
            code=error.code,
            why=error.detail,
            pause=pause,
        )

    def _changed(self, count: int) -> None:
        if len(self._links) == count:
            self._since = self._time()
        self._on_change()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("zone {zone} is not dialled any more", failure, zone=self.line.zone)


class OneProtocol(Factory[Any]):
    """A factory of one protocol, which exists already."""

    noisy = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Any:
        """Return it."""
        return self._protocol
