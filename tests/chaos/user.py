"""A user as the console page is one: opens a link, types, and comes back when the console ends."""

from __future__ import annotations

import base64
import os
import random
import re
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import SSL4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from .wire import Closed, Wire

SHIFT = 0xFFE1
"""A key that changes nothing on the screen."""

LONGEST_DELAY, LONGEST_DELAY_WHEN_BUSY = 4.0, 32.0
FINAL = frozenset({*range(4000, 4100), 400, 401, 403, 404, 409})
BUSY, MOVING = 4115, 4116
CONNECT_LIMIT = 20.0
STABLE_AFTER = 10.0


@dataclass
class Refusal:
    """What a user read who got no console: the code or the status, and the text."""

    at: float
    code: int
    text: str
    user: str


@dataclass
class User:
    """One user of one console.

    Attributes:
        port: of the balancer.
        address: of the user.
        token: from the link.
        vm: the machine.
        opened: how many times the console was opened.
        ends: when and how a console ended that was open.
        seen_at: when a keystroke was answered last.
        slowest: seconds of the slowest answer.
        over: why the user cannot come back any more.
        used: the token of the link that has shown a console.
    """

    reactor: Any
    port: int
    name: str
    address: str
    token: str
    vm: str
    random: random.Random
    pause: float = 0.5
    opened: int = 0
    cookie: str = ""
    connected: bool = False
    seen_at: float = 0.0
    opened_at: float = 0.0
    slowest: float = 0.0
    over: str = ""
    used: str = ""
    ends: list[tuple[float, Closed]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    _wire: Wire | None = None
    _running: Deferred[None] | None = None
    _resting: Deferred[None] | None = None

    def start(self) -> None:
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(self._failed)

    def renew(self, token: str) -> None:
        """Come with a new link from now on."""
        self.token, self.cookie = token, ""
        if self.over:
            self.over = ""
            self.start()

    def has_left(self, opened_at: float) -> bool:
        """Return whether the console has ended that was opened at a moment."""
        return not self.connected or self.opened_at != opened_at

    def lose_connection(self) -> None:
        """Lose the connection to the balancer."""
        self._leave()

    def stop(self) -> None:
        """Leave for good."""
        if self._running is not None:
            self._running.cancel()
        self._leave()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.over = failure.getTraceback()

    async def open_once(self) -> Closed:
        """Open the console, and leave at once; returns that it was opened as a code of 0."""
        try:
            await self._greet(await self._connect())
            return Closed(0, "a console")
        finally:
            self._leave()

    async def _run(self) -> None:
        tries = 0
        while True:
            token = self.token
            closed = await self._use_until_closed()
            if closed.code in FINAL and token == self.token:
                self._leave_for_good(closed)
                return
            if self.connected:
                self.connected, now = False, time.monotonic()
                self.ends.append((now, closed))
                if now - self.opened_at >= STABLE_AFTER or closed.code == MOVING:
                    tries = 0
            else:
                self.refusals.append(Refusal(time.time(), closed.code, closed.text, self.name))
            await deferLater(self.reactor, self._delay(closed.code, tries))
            tries += 1

    def _leave_for_good(self, closed: Closed) -> None:
        self.over = str(closed)
        if self.connected:
            self.connected = False
            self.ends.append((time.monotonic(), closed))

    async def _use_until_closed(self) -> Closed:
        try:
            await self._use()
        except Closed as e:
            return e
        finally:
            self._leave()
        raise AssertionError("a user types for ever")

    def _delay(self, code: int, tries: int) -> float:
        """Return the seconds until the next try, as lifecycle.js has it."""
        busy = code in (BUSY, 503)
        first = 0.2 if code == MOVING else 4.0 if busy else 1.0
        longest = LONGEST_DELAY_WHEN_BUSY if busy else LONGEST_DELAY
        return self.random.random() * float(min(first * 2**tries, longest))

    async def _use(self) -> None:
        token = self.token
        wire = await self._connect()
        await self._greet(wire)
        self.opened += 1
        self.used = token
        self.connected, self.opened_at = True, time.monotonic()
        while True:
            await self._type(wire)
            await self._rest()

    async def _rest(self) -> None:
        self._resting = resting = Deferred[None]()
        seconds = self.pause * (0.5 + self.random.random())
        timer = self.reactor.callLater(seconds, self.type_now)
        try:
            await resting
        finally:
            if timer.active():
                timer.cancel()

    def type_now(self) -> None:
        """Press the next key at once."""
        resting, self._resting = self._resting, None
        if resting is not None and not resting.called:
            resting.callback(None)

    async def _connect(self) -> Wire:
        """Open the web socket.

        Raises:
            Closed: there is none; with the status as its code where HTTP answered.
        """
        wire = await self._dial(Wire())
        assert wire.transport is not None
        wire.transport.write(self._request())
        header = await wire.read_header()
        status = int(header.split()[1])
        if status != 101:
            raise Closed(status, await wire.read_rest())
        if found := re.search(r"(?i)^set-cookie: (vncproxy_resume_[^;]+)", header, re.M):
            self._offered = found[1]
        wire.begin_messages()
        return wire

    async def _dial(self, wire: Wire) -> Wire:
        """Connect to the balancer.

        Raises:
            Closed: it does not answer.
        """
        self._wire = wire
        endpoint = SSL4ClientEndpoint(
            self.reactor,
            "127.0.0.1",
            self.port,
            CertificateOptions(),
            timeout=int(CONNECT_LIMIT),
            bindAddress=(self.address, 0),
        )
        try:
            await endpoint.connect(Factory.forProtocol(lambda: wire))
        except (ConnectError, OSError) as e:
            raise Closed(1006, f"no connection: {e}") from e
        return wire

    def _request(self) -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        return (
            f"GET /websockify?token={self.token} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
            f"Origin: https://localhost:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n{cookie}"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
        ).encode()

    async def _greet(self, wire: Wire) -> None:
        """Go to ServerInit.

        Raises:
            Closed: with the reason that RFB shows, and the code of the web socket.
        """
        await wire.read(12)
        wire.send(b"RFB 003.008\n")
        types = await wire.read((await wire.read(1))[0])
        if not types:
            size = int.from_bytes(await wire.read(4), "big")
            reason = (await wire.read(size)).decode()
            try:
                await wire.read(1)
            except Closed as e:
                raise Closed(e.code, reason) from e
        wire.send(b"\x01")
        await wire.read(4)
        wire.send(b"\x01")
        facts = await wire.read(24)
        await wire.read(int.from_bytes(facts[20:], "big"))
        self.cookie = self._offered or self.cookie
        wire.send(struct.pack(">BxHi", 2, 1, 0))

    _offered: str = ""

    async def _type(self, wire: Wire) -> None:
        """Press a key, and wait until the screen answers."""
        began = time.monotonic()
        for down in (1, 0):
            wire.send(struct.pack(">BBxxI", 4, down, SHIFT))
        wire.send(struct.pack(">BBHHHH", 3, 0, 0, 0, 1, 1))
        await self._read_update(wire)
        self.seen_at = time.monotonic()
        self.slowest = max(self.slowest, self.seen_at - began)

    async def _read_update(self, wire: Wire) -> None:
        while (kind := (await wire.read(1))[0]) != 0:
            if kind == 3:
                head = await wire.read(7)
                await wire.read(int.from_bytes(head[3:], "big"))
            elif kind != 2:
                raise AssertionError(f"message {kind}")
        (count,) = struct.unpack(">xH", await wire.read(3))
        for _ in range(count):
            _x, _y, width, height, encoding = struct.unpack(">HHHHi", await wire.read(12))
            assert encoding == 0, encoding
            await wire.read(width * height * 4)

    def _leave(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.leave()
