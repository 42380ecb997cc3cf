"""Connections of the fake server that need no thread: idle ones, and ones flooded for ever."""

from __future__ import annotations

import select
import socket


class Lot:
    """Holds connections until their other end lets go."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._parked: dict[int, socket.socket] = {}
        self._chunk = bytes(65536)

    def park(self, connection: socket.socket, *, flood: bool) -> None:
        """Take a connection over; a flooded one is sent whatever it takes."""
        connection.setblocking(False)
        self._parked[connection.fileno()] = connection
        self._poll.register(connection, select.EPOLLIN | (select.EPOLLOUT if flood else 0))

    def run(self) -> None:
        """Look after them; whatever a parked client says is taken as its end."""
        while True:
            for fd, events in self._poll.poll():
                if events & ~select.EPOLLOUT or not self._flood(fd):
                    self._poll.unregister(fd)
                    self._parked.pop(fd).close()

    def _flood(self, fd: int) -> bool:
        try:
            self._parked[fd].send(self._chunk)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True
