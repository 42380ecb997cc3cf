"""Users who come at a given rate, whatever becomes of those before them: an open loop."""

from __future__ import annotations

import base64
import os
import random
import select
import socket
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from .client import Door
from .frames import CLOSE, KEY, frame

PATIENCE = 5.0
"""Seconds after which a user leaves."""

BANNER = b"RFB 003.008\n"


@dataclass
class Outcome:
    """What became of the users that came.

    Attributes:
        opened: when each console was shown, in seconds from the start, with how long it took.
        failed: the others, by what they were told.
        late: the longest that a user came later than planned: how far the client was behind.
    """

    opened: list[tuple[float, float]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    late: float = 0.0

    def goodput(self, begin: float, end: float) -> float:
        """Return consoles shown per second within a stretch of time."""
        return sum(begin <= at < end for at, _ in self.opened) / (end - begin)

    def seconds(self) -> list[float]:
        """Return how long opening took, sorted."""
        return sorted(took for _, took in self.opened)


def arrive(pipe: Connection, doors: list[Door], rate: float, seed: int) -> Outcome:
    """Let a user come for each door, with exponential pauses, and return what became of them."""
    moments, at, source = [], 0.0, random.Random(seed)
    for _ in doors:
        at += source.expovariate(rate)
        moments.append(at)
    return _Arrivals(doors, moments).run()


class _Arrivals:
    def __init__(self, doors: list[Door], moments: list[float]) -> None:
        self._coming = list(zip(moments, doors, strict=True))[::-1]
        self._users: dict[int, _User] = {}
        self._poll = select.epoll()
        self._outcome = Outcome()
        self._start = time.monotonic()

    def run(self) -> Outcome:
        swept = 0.0
        while self._coming or self._users:
            now = time.monotonic() - self._start
            while self._coming and self._coming[-1][0] <= now:
                self._come(*self._coming.pop())
            if now - swept > 0.1:
                swept = now
                self._leave(now)
            wait = self._coming[-1][0] - now if self._coming else 0.05
            for fd, _ in self._poll.poll(max(0.0, min(wait, 0.05))):
                self._step(fd)
        return self._outcome

    def _come(self, moment: float, door: Door) -> None:
        now = time.monotonic() - self._start
        self._outcome.late = max(self._outcome.late, now - moment)
        user = _User(door, now)
        self._users[user.socket.fileno()] = user
        self._poll.register(user.socket, select.EPOLLOUT)

    def _leave(self, now: float) -> None:
        for fd, user in list(self._users.items()):
            if now - user.came > PATIENCE:
                self._end(fd, "left after waiting")

    def _step(self, fd: int) -> None:
        user = self._users[fd]
        try:
            if user.waits_for_connection:
                user.ask()
                self._poll.modify(fd, select.EPOLLIN)
                return
            told = user.receive()
        except OSError as e:
            told = type(e).__name__
        if told is not None:
            self._end(fd, told)

    def _end(self, fd: int, told: str) -> None:
        user, now = self._users.pop(fd), time.monotonic() - self._start
        if told:
            self._outcome.failed[told] += 1
        else:
            self._outcome.opened.append((now, now - user.came))
        user.socket.close()


class _User:
    """A browser that opens one console, step by step."""

    def __init__(self, door: Door, came: float) -> None:
        self.came = came
        self.waits_for_connection = True
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", door.port))
        self._door = door
        self._buffer = b""
        self._open = self._opening()

    def ask(self) -> None:
        """Send the request; called when there is a connection."""
        self.waits_for_connection = False
        if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = f"127.0.0.1:{self._door.port}"
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /websockify?token={self._door.token} HTTP/1.1\r\nHost: {host}\r\n"
            f"Origin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: binary\r\n\r\n".encode()
        )
        next(self._open)

    def receive(self) -> str | None:
        """Go on; returns "" once the console is shown, what the user is told instead, or None."""
        data = self.socket.recv(65536)
        if not data:
            return "end of stream"
        self._buffer += data
        try:
            self._open.send(None)
        except StopIteration as e:
            return str(e.value)
        return None

    def _opening(self) -> Generator[None, None, str]:
        """Upgrade and greet; yields for more bytes."""
        while b"\r\n\r\n" not in self._buffer:
            yield
        header, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status = header.split(b" ", 2)[1].decode()
        if status != "101":
            return f"HTTP {status}"
        payload = b""
        for wanted, answer in ((12, BANNER), (2, b"\x01"), (4, b"\x01"), (24, b"")):
            while len(payload) < wanted:
                opcode, body = yield from self._frame()
                if opcode == CLOSE:
                    return f"closed with {int.from_bytes(body[:2], 'big')}"
                payload += body
                if wanted == 2 and payload[:1] == b"\x00":
                    payload, wanted = b"", 1 << 30  # a refusal: the reason, then the code
            payload = payload[wanted:]
            if answer:
                self.socket.send(frame(answer, key=KEY))
        return ""

    def _frame(self) -> Generator[None, None, tuple[int, bytes]]:
        while len(self._buffer) < 4:
            yield
        size, at = self._buffer[1], 2
        if size == 126:
            size, at = int.from_bytes(self._buffer[2:4], "big"), 4
        while len(self._buffer) < at + size:
            yield
        opcode, body = self._buffer[0] & 15, self._buffer[at : at + size]
        self._buffer = self._buffer[at + size :]
        return opcode, body
