"""A way to a TCP port that can be cut and healed, as a network can."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from .ports import free_port


class Forwarder:
    """Forwards connections from a port of its own, in threads.

    Attributes:
        port: where it listens on loopback.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.heal()

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        listener, self._listener = self._listener, None
        for each in (listener, *self._open):
            if each is not None:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._open.clear()

    def heal(self) -> None:
        """Forward connections from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open |= {near, far}
                relay(near, far)


class Balancer:
    """Forwards connections to several ports of a host, one after the other, in threads.

    Args:
        here: the address that it listens on.
        host: where the ports are.

    Attributes:
        port: where it listens.
        taken: the ports that connections went to, in order.
    """

    def __init__(self, here: str, host: str, *ports: int) -> None:
        self._host, self._ports = host, ports
        self.taken: list[int] = []
        self._listener = socket.create_server((here, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                port = self._ports[len(self.taken) % len(self._ports)]
                self.taken.append(port)
                relay(near, socket.create_connection((self._host, port)))


def relay(near: socket.socket, far: socket.socket) -> None:
    """Relay between two connections, in threads, until one of them ends."""
    for pair in ((near, far), (far, near)):
        threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
