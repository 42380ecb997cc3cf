"""A VNC server that does what the client orders: a whole RFB 3.8 handshake, then one command.

It listens twice: for RFB as it is, which proxies dial, and for RFB in WebSocket frames, so that
what only forwards bytes (HAProxy, or nothing at all) can stand between the same client and the same
work. The command is a ClientCutText message whose text is a word and numbers, such as
``paced 1500 3000 200``.
"""

from __future__ import annotations

import base64
import hashlib
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

from .lot import Lot
from .stream import BUFFER, Stream, read_header

BANNER = b"RFB 003.008\n"
SERVER_INIT = struct.pack(">HH16sI", 1024, 768, bytes([32, 24, 0, 1] + [0] * 12), 5) + b"bench"
THREADS = 64
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

lot: Lot


def listen() -> socket.socket:
    """Return a listening socket on a free loopback port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    return listener


def serve(raw: socket.socket, framed: socket.socket) -> None:
    """Serve both ports until the process is ended."""
    global lot
    lot = Lot()
    for listener, is_framed in ((raw, False), (framed, True)):
        for _ in range(THREADS):
            threading.Thread(target=_accept, args=(listener, is_framed), daemon=True).start()
    lot.run()


def _accept(listener: socket.socket, framed: bool) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if _session(connection, framed):
                continue
        except (OSError, EOFError):
            pass
        connection.close()


def _session(connection: socket.socket, framed: bool) -> bool:
    """Serve one connection; returns whether the parking lot has it now."""
    early = _upgrade(connection) if framed else b""
    stream = Stream(connection, framed=framed, early=early)
    stream.send(BANNER)
    if stream.receive(12) != BANNER:
        raise EOFError("not an RFB 3.8 viewer")
    stream.send(b"\x01\x01")
    if stream.receive(1) != b"\x01":
        raise EOFError("not security type None")
    stream.send(bytes(4))
    stream.receive(1)
    stream.send(SERVER_INIT)
    word, *numbers = _command(stream)
    if word in ("park", "flood"):
        lot.park(connection, flood=word == "flood")
        return True
    COMMANDS[word](stream, *map(int, numbers))
    return False


def _upgrade(connection: socket.socket) -> bytes:
    header, early = read_header(connection)
    lines = [line.partition(b": ") for line in header.split(b"\r\n")[1:]]
    key = next(value for name, _, value in lines if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: binary\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return early


def _command(stream: Stream) -> list[str]:
    kind, size = struct.unpack(">B3xI", stream.receive(8))
    if kind != 6:
        raise EOFError(f"message {kind} instead of a command")
    return stream.receive(size).decode().split()


def _blast(stream: Stream) -> None:
    """Send as fast as possible, until the viewer says something or leaves, as servers notice."""
    chunk = stream.encode(bytes(BUFFER))
    with select.epoll() as poll:
        poll.register(stream.socket, select.EPOLLIN)
        while not poll.poll(0):
            stream.socket.sendall(chunk)


def _paced(stream: Stream, size: int, count: int, microseconds: int) -> None:
    """Send updates with a pause after each."""
    update, pause = stream.encode(bytes(size)), microseconds / 1e6
    for _ in range(count):
        stream.socket.sendall(update)
        time.sleep(pause)
    stream.receive(1)


def _echo(stream: Stream, size: int) -> None:
    """Answer each message with one of the same size; nothing is parsed, to add nothing."""
    wire, reply, space = stream.incoming_size(size), stream.encode(bytes(size)), bytearray(256)
    stream.socket.sendall(reply * (stream.ready // size))  # what came with the command
    held = 0
    while got := stream.socket.recv_into(space):
        held += got
        while held >= wire:
            stream.socket.sendall(reply)
            held -= wire


def _answer(stream: Stream, asked: int, size: int, count: int) -> None:
    """Answer so many messages of one size with updates of another, each when it is asked for."""
    update = stream.encode(bytes(size))
    for _ in range(count):
        stream.receive(asked)
        stream.socket.sendall(update)
    stream.receive(1)


def _sink(stream: Stream, total: int) -> None:
    """Count so many bytes of payload, and answer with the number of reads that took."""
    before = stream.reads
    while total > 0:
        total -= stream.count()
    stream.send((stream.reads - before).to_bytes(4, "big"))
    stream.receive(1)


def _pattern(stream: Stream, seed: int, total: int) -> None:
    """Send a pattern in messages of odd sizes."""
    for message in messages(seed, total):
        stream.send(message)
    stream.receive(1)


def _digest(stream: Stream, total: int) -> None:
    """Answer with the SHA-256 of so many bytes."""
    stream.send(hashlib.sha256(stream.receive(total)).digest())
    stream.receive(1)


def _copy(stream: Stream, total: int) -> None:
    """Send back what comes, in other pieces."""
    while total:
        size = min(total, 1021)
        stream.send(stream.receive(size))
        total -= size
    stream.receive(1)


COMMANDS: dict[str, Callable[..., None]] = {
    "blast": _blast,
    "paced": _paced,
    "echo": _echo,
    "answer": _answer,
    "sink": _sink,
    "pattern": _pattern,
    "digest": _digest,
    "copy": _copy,
}

SIZES = (1, 2, 7, 125, 126, 127, 1460, 4096, 16384, 65535, 65536, 65537, 300_007)


def messages(seed: int, total: int) -> list[bytes]:
    """Return pseudo-random bytes cut into messages of sizes around every limit of the framing."""
    source, found = random.Random(seed), []
    while total:
        size = min(total, source.choice(SIZES))
        found.append(source.randbytes(size))
        total -= size
    return found
