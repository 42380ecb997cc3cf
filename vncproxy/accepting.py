"""Listeners that leave new connections to the kernel while there are more users than can be served.

A connection that is not accepted costs nothing; one that is refused costs a good part of one that
is served, and many of them leave no time for those.
"""

from __future__ import annotations

from typing import Any

_LISTENING = frozenset({"listenTCP", "listenSSL", "listenUNIX", "adoptStreamPort"})


class Accepting:
    """The listening sockets of the users' side, which can be paused all at once."""

    def __init__(self) -> None:
        self._ports: list[Any] = []
        self._paused = False

    def reactor(self, reactor: Any) -> Any:
        """Return a reactor whose listening sockets take part; for endpoint strings."""
        return _Watched(reactor, self._add)

    def pause(self, paused: bool) -> None:
        """Accept no more connections, or accept them again."""
        self._paused = paused
        self._ports = [port for port in self._ports if port.connected]
        for port in self._ports:
            if paused:
                port.stopReading()
            else:
                port.startReading()

    def _add(self, port: Any) -> None:
        if hasattr(port, "stopReading"):
            self._ports.append(port)
        if self._paused:
            self.pause(True)


class _Watched:
    def __init__(self, reactor: Any, add: Any) -> None:
        self._reactor = reactor
        self._add = add

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reactor, name)
        return self._noting(found) if name in _LISTENING else found

    def _noting(self, listen: Any) -> Any:
        def listen_and_note(*arguments: Any, **options: Any) -> Any:
            port = listen(*arguments, **options)
            self._add(port)
            return port

        return listen_and_note
