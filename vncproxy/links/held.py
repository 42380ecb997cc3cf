"""The links that other zones keep to this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..model import LinkState, UnixTime
from .control import Control
from .messages import Failed, Message, Open

_REMEMBERED: Final = 64
"""Tunnels for which a link is known to have been asked, so that its loss can be told."""

OnFailed = Callable[[str, str, bool], object]
"""Called with a tunnel's name, why it will not arrive, and whether its link was lost."""


class HeldLink:
    """One link.

    Attributes:
        zone: the zone that dialled.
        key_id: of the key that it has proved.
        control: this end of it.
    """

    def __init__(self, zone: str, key_id: str, control: Control) -> None:
        self.zone, self.key_id, self.control = zone, key_id, control
        self.asked: deque[str] = deque(maxlen=_REMEMBERED)

    def ask(self, order: Open) -> None:
        """Ask for a tunnel."""
        self.asked.append(order.tunnel)
        self.control.send(order)

    def note_failure(self, tunnel: str) -> None:
        """Forget a tunnel that has failed, so that the loss of the link is no second failure."""
        if tunnel in self.asked:
            self.asked.remove(tunnel)


class Held:
    """The links of all zones.

    Args:
        clock: for pings.
        time: wall-clock time.
        on_change: is called when a link stands or is lost.
        on_failed: is called when a tunnel will not arrive.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        time: Callable[[], UnixTime],
        on_change: Callable[[], object],
        on_failed: OnFailed,
    ) -> None:
        self._clock = clock
        self._time = time
        self._on_change = on_change
        self._on_failed = on_failed
        self._links: list[HeldLink] = []
        self._since: dict[str, UnixTime] = {}

    def add(self, zone: str, key_id: str, client: str) -> HeldLink:
        """Return a new link, whose `HeldLink.control` is to get its connection.

        Args:
            client: where it comes from, for the log.
        """

        def take(message: Message) -> None:
            if isinstance(message, Failed):
                link.note_failure(message.tunnel)
                self._on_failed(message.tunnel, message.why, False)

        control = Control(self._clock, take, lambda why: self._ended(link, why))
        link = HeldLink(zone, key_id, control)
        self._links.append(link)
        self._note_change(zone, 1)
        self.log.info(
            "zone {zone} keeps a link to this proxy, {count} now: from {client}, key {key}",
            zone=zone,
            count=len(self.of(zone)),
            client=client,
            key=key_id,
        )
        return link

    def of(self, zone: str) -> Sequence[HeldLink]:
        """Return the links of a zone."""
        return [each for each in self._links if each.zone == zone]

    def state(self, zone: str) -> LinkState:
        """Return how many links a zone has, and since when it has some, or none any more."""
        return LinkState("them", len(self.of(zone)), self._since.get(zone))

    def end_where(self, why: Callable[[HeldLink], str]) -> None:
        """End the links for which there is a reason.

        Args:
            why: returns it; empty for none.
        """
        for link in list(self._links):
            if reason := why(link):
                link.control.end(reason)
                self._ended(link, reason)

    def _ended(self, link: HeldLink, why: str) -> None:
        if link not in self._links:
            return
        self._links.remove(link)
        self._note_change(link.zone, 0)
        self.log.warn(
            "a link of zone {zone} is lost after {seconds} s, {count} left: {why}",
            zone=link.zone,
            seconds=round(self._clock.seconds() - link.control.began_at, 1),
            count=len(self.of(link.zone)),
            why=why,
        )
        _tell_lost(link.asked, why, self._on_failed)

    def _note_change(self, zone: str, count: int) -> None:
        """Remember the time of the first link, and of the loss of the last one."""
        if len(self.of(zone)) == count:
            self._since[zone] = self._time()
        self._on_change()


def _tell_lost(tunnels: Iterable[str], why: str, on_failed: OnFailed) -> None:
    for tunnel in tunnels:
        on_failed(tunnel, why, True)
