"""Two priorities within one reactor: a typist goes before those who watch a film.

Sockets are in one of two epoll sets. After every single chunk of a bulk flow the interactive set
is looked at again, so that a key never waits for more than one chunk.

The reactor sees one descriptor, readable when a flow is ready. Its turn lasts until the reactor has
something else to do: while bytes flow, the dispatcher waits for them and for the reactor's own
epoll set at once, which spares each message the reactor's way of telling about it. Where the
reactor has no epoll set, a turn serves what is ready and ends.
"""

from __future__ import annotations

from math import inf
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, epoll
from typing import Any, Protocol
from weakref import WeakKeyDictionary, ref

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from .detach import epoll_set_of

HEAD_ROOM = 16
"""Bytes before the received data in which a frame's header can be written."""

LONE_QUANTUM = 1 << 20
"""Bytes that are read at once while a single bulk flow is active."""

SHARED_QUANTUM = 1 << 16
"""The same with many: small enough that each of them, and a typist, is served often."""

GONE = EPOLLHUP | EPOLLERR
READABLE = EPOLLIN | GONE
WRITABLE = EPOLLOUT
_BATCH = 256
_LONGEST_WAIT = 3600.0


class Flow(Protocol):
    """What is dispatched to."""

    def ready(self, events: int) -> None:
        """Read or write as much as one turn allows.

        Args:
            events: of epoll; they can be out of date by what happened in the same turn.
        """


class Dispatcher:
    """The flows of one reactor.

    Attributes:
        buffer: into which every flow receives, `HEAD_ROOM` bytes from its start; it is nobody's
            outside of a turn.
        view: the same, to be sliced without a copy.
        window: the part of ``view`` that is received into.
        shared_window: a smaller one, for what is copied on its way: it stays in the CPU's cache.
    """

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self.buffer = bytearray(HEAD_ROOM + LONE_QUANTUM)
        self.view = memoryview(self.buffer)
        self.window = self.view[HEAD_ROOM:]
        self.shared_window = self.window[:SHARED_QUANTUM]
        # the table of dispatchers must not keep their reactors
        self._reactor = ref(reactor)
        self._flows: dict[int, Flow] = {}
        self._interactive = epoll()
        self._bulk = epoll()
        self._bulk_fd = self._bulk.fileno()
        self._interactive.register(self._bulk_fd, EPOLLIN)
        self._bulk_flows = 0
        self._reactor_fd = epoll_set_of(reactor)
        self._watched = _Watched(self._interactive, self._take_turn)
        self._in_turn = False
        self._turn_over = False

    def add(self, fd: int, flow: Flow) -> None:
        """Take an interactive flow in; it is watched from its first `change` on."""
        if not self._flows and not self._in_turn:
            self._living_reactor().addReader(self._watched)
        self._flows[fd] = flow

    def change(self, fd: int, bulk: bool, before: int, after: int) -> None:
        """Watch a socket for other events; none at all stops watching it for errors, too."""
        poller = self._bulk if bulk else self._interactive
        if not before:
            poller.register(fd, after)
        elif after:
            poller.modify(fd, after)
        else:
            poller.unregister(fd)

    def reclassify(self, fd: int, bulk: bool, events: int) -> None:
        """Move a flow to the other priority."""
        old, new = (self._interactive, self._bulk) if bulk else (self._bulk, self._interactive)
        if events:
            old.unregister(fd)
            new.register(fd, events)
        self._bulk_flows += 1 if bulk else -1
        quantum = max(SHARED_QUANTUM, LONE_QUANTUM // max(1, self._bulk_flows))
        self.window = self.view[HEAD_ROOM : HEAD_ROOM + quantum]

    def remove(self, fd: int, bulk: bool, events: int) -> None:
        """Forget a socket; call it before it is closed."""
        del self._flows[fd]
        if bulk:
            self.reclassify(fd, False, events)
        if events:
            self._interactive.unregister(fd)
        if not self._flows and not self._in_turn:
            self._living_reactor().removeReader(self._watched)

    def _living_reactor(self) -> Any:
        return self._reactor()

    def end_turn(self) -> None:
        """Let the reactor look around: other code than the relay's ran, and may want something."""
        self._turn_over = True

    def _take_turn(self) -> None:
        """Serve the flows until the reactor has something else to do."""
        reactor = self._living_reactor()
        if self._reactor_fd < 0:
            self._serve(self._interactive.poll(0, _BATCH))
            return
        # an epoll set may not watch another one that watches it
        reactor.removeReader(self._watched)
        self._interactive.register(self._reactor_fd, EPOLLIN)
        self._in_turn, self._turn_over = True, False
        try:
            self._serve_until_due(reactor)
        finally:
            self._in_turn = False
            self._interactive.unregister(self._reactor_fd)
            if self._flows:
                reactor.addReader(self._watched)

    def _serve_until_due(self, reactor: Any) -> None:
        """Serve the flows until a timer is due, however busy they are, or the turn is over.

        Whatever makes a new timer also ends the turn, so the first one is known from the start.
        """
        seconds, wait = reactor.seconds, reactor.timeout()
        due = inf if wait is None else seconds() + wait
        ready = self._interactive.poll(0, _BATCH)
        while ready:
            self._serve(ready)
            wait = due - seconds()
            if self._turn_over or wait <= 0:
                return
            ready = self._interactive.poll(min(wait, _LONGEST_WAIT), _BATCH)

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        """Let each ready flow have its turn, the interactive ones first."""
        flows, bulk = self._flows, False
        for fd, events in ready:
            flow = flows.get(fd)
            if flow is not None:
                try:
                    flow.ready(events)
                except Exception:  # noqa: BLE001 the reactor would drop all flows with this one
                    self.log.failure("a relay failed")
            elif fd == self._bulk_fd:
                bulk = True
            elif fd == self._reactor_fd:
                self._turn_over = True
        if bulk:
            self._serve_bulk()

    def _serve_bulk(self) -> None:
        """Let each bulk flow have one chunk, and after it whoever is interactive."""
        for chunk in self._bulk.poll(0, _BATCH):
            self._serve([chunk])
            ready = self._interactive.poll(0, _BATCH)
            self._serve([one for one in ready if one[0] != self._bulk_fd])


@implementer(IReadDescriptor)
class _Watched:
    """An epoll set as the reactor sees it: a descriptor that is readable when a flow is ready."""

    def __init__(self, poller: epoll, serve: Any) -> None:
        self._poller = poller
        self.doRead = serve

    def fileno(self) -> int:
        return self._poller.fileno()

    def logPrefix(self) -> str:
        return "relay"

    def connectionLost(self, reason: object) -> None:
        """Do nothing: an epoll set is not lost."""


_dispatchers: WeakKeyDictionary[Any, Dispatcher] = WeakKeyDictionary()


def dispatcher_of(reactor: Any) -> Dispatcher:
    """Return a reactor's dispatcher; there is one for each."""
    if reactor not in _dispatchers:
        _dispatchers[reactor] = Dispatcher(reactor)
    return _dispatchers[reactor]
