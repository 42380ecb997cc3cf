"""An RFB server on loopback for any number of viewers, which greets them and says nothing more."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from .viewer import read

TIME_LIMIT = 60.0


class ManyViewers:
    """Accepts in a thread of its own, until it is closed.

    Attributes:
        address: ``host:port``.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._viewers: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Close the listener and all connections."""
        for each in (self._listener, *self._viewers):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                viewer, _ = self._listener.accept()
                self._viewers.append(viewer)
                threading.Thread(target=self.serve, args=(viewer,), daemon=True).start()

    def serve(self, viewer: socket.socket) -> None:
        """Serve one viewer, in a thread of its own."""
        _greet(viewer)


class ManyTypists(ManyViewers):
    """Also reads what the viewers send, and lets go of those that leave.

    Attributes:
        received: bytes of each viewer that is there, after its greeting.
    """

    def __init__(self) -> None:
        self.received: dict[socket.socket, int] = {}
        super().__init__()

    def serve(self, viewer: socket.socket) -> None:
        """Greet a viewer, and read until it leaves."""
        _greet(viewer)
        viewer.settimeout(None)
        self.received[viewer] = 0
        with suppress(OSError):
            while got := viewer.recv(4096):
                self.received[viewer] += len(got)
        del self.received[viewer]
        self._viewers.remove(viewer)
        viewer.close()


def _greet(viewer: socket.socket) -> None:
    viewer.settimeout(TIME_LIMIT)
    with suppress(OSError, EOFError, AssertionError):
        viewer.sendall(b"RFB 003.008\n")
        read(viewer, 12)
        viewer.sendall(b"\x01\x01")
        read(viewer, 1)
        viewer.sendall(bytes(4))
        read(viewer, 1)
        size = (640).to_bytes(2, "big") + (400).to_bytes(2, "big")
        pixel_format = bytes([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])
        viewer.sendall(size + pixel_format + (4).to_bytes(4, "big") + b"test")
