"""Polls the sockets of the fast relay, in two priorities: interactive flows before bulk flows.

Sockets are in one of two epoll sets. The interactive set is polled again after every chunk of a
bulk flow, so that a key press waits for one chunk at most.

The reactor sees one descriptor, readable when a flow is ready. A turn of the dispatcher serves the
flows that are ready, and goes on until the reactor has other work: it waits for the flows and for
the reactor's own epoll set at once, which saves the reactor's overhead for each message. Where the
reactor has no epoll set, a turn serves the flows that are ready and ends.
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
"""Bytes reserved for a frame's header in front of the received data."""

LONE_QUANTUM = 1 << 20
"""Bytes read at once while there is one bulk flow."""

SHARED_QUANTUM = 1 << 16
"""The same with many: small enough that all flows are served often."""

GONE = EPOLLHUP | EPOLLERR
READABLE = EPOLLIN | GONE
WRITABLE = EPOLLOUT
_BATCH = 256
_LONGEST_WAIT = 3600.0


class Flow(Protocol):
    """A socket that the dispatcher serves."""

    def ready(self, events: int) -> None:
        """Read or write once.

        Args:
            events: of epoll; other flows of the same turn can have made them out of date.
        """


class Dispatcher:
    """The flows of one reactor.

    Attributes:
        buffer: receives the bytes of every flow, `HEAD_ROOM` bytes from its start; its content is
            valid within one call of `Flow.ready`.
        view: a memoryview of the same, sliced without a copy.
        window: the part of ``view`` for ``recv_into``.
        shared_window: a smaller one, for bytes that are copied: it fits the CPU's cache.
    """

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self.buffer = bytearray(HEAD_ROOM + LONE_QUANTUM)
        self.view = memoryview(self.buffer)
        self.window = self.view[HEAD_ROOM:]
        self.shared_window = self.window[:SHARED_QUANTUM]
        # a weak reference, as in the table of dispatchers
        self._reactor = ref(reactor)
        self._flows: dict[int, Flow] = {}
        self._interactive = epoll()
        self._bulk = epoll()
        self._bulk_fd = self._bulk.fileno()
        self._interactive.register(self._bulk_fd, EPOLLIN)
        self._bulk_flows = 0
        self._reactor_fd = epoll_set_of(reactor)
        self._descriptor = _EpollDescriptor(self._interactive, self._take_turn)
        self._in_turn = False
        self._turn_ended = False

    def add(self, fd: int, flow: Flow) -> None:
        """Add an interactive flow; it is polled from its first `change` on."""
        if not self._flows and not self._in_turn:
            self._living_reactor().addReader(self._descriptor)
        self._flows[fd] = flow

    def change(self, fd: int, bulk: bool, before: int, after: int) -> None:
        """Poll a socket for other events; without any, errors are not reported either."""
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
        """Remove a socket; to be called before it is closed."""
        del self._flows[fd]
        if bulk:
            self.reclassify(fd, False, events)
        if events:
            self._interactive.unregister(fd)
        if not self._flows and not self._in_turn:
            self._living_reactor().removeReader(self._descriptor)

    def _living_reactor(self) -> Any:
        return self._reactor()

    def end_turn(self) -> None:
        """End the turn after this flow: other code has run, and may have work for the reactor."""
        self._turn_ended = True

    def _take_turn(self) -> None:
        """Serve the flows until the reactor has other work."""
        ready = self._interactive.poll(0, _BATCH)
        if self._reactor_fd < 0:
            self._serve(ready)
            return
        reactor = self._living_reactor()
        self._in_turn, self._turn_ended = True, False
        try:
            self._serve(ready)
            # most turns of sessions that open or close end here
            if ready and not self._turn_ended:
                self._take_long_turn(reactor)
        finally:
            self._in_turn = False
            if not self._flows:
                reactor.removeReader(self._descriptor)

    def _take_long_turn(self, reactor: Any) -> None:
        """Serve the flows, and wait for them and for the reactor's other work at once."""
        # epoll sets must not contain each other
        reactor.removeReader(self._descriptor)
        self._interactive.register(self._reactor_fd, EPOLLIN)
        try:
            self._serve_until_due(reactor)
        finally:
            self._interactive.unregister(self._reactor_fd)
            if self._flows:
                reactor.addReader(self._descriptor)

    def _serve_until_due(self, reactor: Any) -> None:
        """Serve the flows until the first timer is due or the turn ends.

        Code that adds a timer also ends the turn, so the first timer is known at the start.
        """
        seconds, wait = reactor.seconds, reactor.timeout()
        due = inf if wait is None else seconds() + wait
        while True:
            wait = due - seconds()
            if self._turn_ended or wait <= 0:
                return
            ready = self._interactive.poll(min(wait, _LONGEST_WAIT), _BATCH)
            if not ready:
                return
            self._serve(ready)

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        """Serve the flows that are ready, the interactive ones first."""
        flows, bulk = self._flows, False
        for fd, events in ready:
            flow = flows.get(fd)
            if flow is not None:
                try:
                    flow.ready(events)
                except Exception:  # noqa: BLE001 the reactor would remove the dispatcher
                    self.log.failure("a relay failed")
            elif fd == self._bulk_fd:
                bulk = True
            elif fd == self._reactor_fd:
                self._turn_ended = True
        if bulk:
            self._serve_bulk()

    def _serve_bulk(self) -> None:
        """Serve one chunk of each bulk flow, and the interactive flows after each chunk."""
        for chunk in self._bulk.poll(0, _BATCH):
            self._serve([chunk])
            ready = self._interactive.poll(0, _BATCH)
            self._serve([one for one in ready if one[0] != self._bulk_fd])


@implementer(IReadDescriptor)
class _EpollDescriptor:
    """An epoll set as a descriptor of the reactor, readable when a flow is ready."""

    def __init__(self, poller: epoll, serve: Any) -> None:
        self._poller = poller
        self.doRead = serve

    def fileno(self) -> int:
        return self._poller.fileno()

    def logPrefix(self) -> str:
        return "relay"

    def connectionLost(self, reason: object) -> None:
        """Do nothing: an epoll set has no connection."""


_dispatchers: WeakKeyDictionary[Any, Dispatcher] = WeakKeyDictionary()


def dispatcher_of(reactor: Any) -> Dispatcher:
    """Return a reactor's dispatcher, made on the first call."""
    if reactor not in _dispatchers:
        _dispatchers[reactor] = Dispatcher(reactor)
    return _dispatchers[reactor]
