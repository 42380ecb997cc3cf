"""Records what a viewer and a server send each other, between the two."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Recording:
    """One connection.

    Attributes:
        to_server, to_client: all bytes of one direction.
    """

    def __init__(self) -> None:
        self.to_server = bytearray()
        self.to_client = bytearray()


class Recorder:
    """Accepts connections on loopback, and passes their bytes to a server and back.

    Args:
        target: the server's port.

    Attributes:
        recordings: its connections, the oldest first.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.recordings: list[Recording] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Accept no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                viewer, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                recording = Recording()
                self.recordings.append(recording)
                for source, sink, record in (
                    (viewer, server, recording.to_server),
                    (server, viewer, recording.to_client),
                ):
                    threading.Thread(target=_pump, args=(source, sink, record), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            record += data
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


HANDSHAKE = 12 + 1 + 1
"""Bytes of a viewer of version 3.8 before its messages: banner, security type, ClientInit."""

_LENGTHS = {0: 20, 3: 10, 4: 8, 5: 6, 150: 10, 250: 4}


def messages(data: bytes) -> list[bytes]:
    """Split what a viewer has sent to a server, after its handshake."""
    found, data = [], data[HANDSHAKE:]
    while data:
        length = _LENGTHS.get(data[0]) or _length(data)
        found.append(data[:length])
        data = data[length:]
    return found


def message_types(data: bytes) -> set[int]:
    """Return the types of all messages that a viewer has sent."""
    return {each[0] for each in messages(data)}


def _length(data: bytes) -> int:
    data = data.ljust(16, b"\0")  # the last one may be on its way
    match data[0]:
        case 2:
            return 4 + 4 * int.from_bytes(data[2:4], "big")
        case 6:
            return 8 + abs(int.from_bytes(data[4:8], "big", signed=True))
        case 248:
            return 9 + data[8]
        case 251:
            return 8 + 16 * data[6]
        case 255:
            return 12
    raise AssertionError(data[:20])
