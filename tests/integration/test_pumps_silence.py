"""Pumps whose peers fall silent or stop reading."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.doubles.frames import PING, PONG, masked
from tests.doubles.pumps import PIXELS, Pair, PumpTestCase
from tests.doubles.wire import Way, unsent
from vncproxy.errors import (
    ConnectionLost,
    IdleLimit,
    SessionEnded,
)
from vncproxy.model import Timeouts
from vncproxy.relay.fast.dispatcher import dispatcher_of
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.session.timer import SharedTimer
from vncproxy.session.watchdog import Watchdog


class SilenceTests(PumpTestCase):
    def watchdog(
        self, pair: Pair, idle_timeout: float | None, timeouts: Timeouts
    ) -> list[SessionEnded]:
        ends: list[SessionEnded] = []
        watchdog = Watchdog(
            pair.down, pair.up, idle_timeout, timeouts, None, ends.append, SharedTimer(self.loop)
        )
        watchdog.start()
        self.addCleanup(self.hang_up_all)
        self.addCleanup(watchdog.stop)
        return ends

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.loop.advance(1)

    def test_payload_through_the_short_cuts_counts_as_life(self) -> None:
        pair = self.pair()
        ends = self.watchdog(pair, 60, Timeouts(ping_interval=0))
        for speak in (lambda: pair.user.send(b"key"), lambda: pair.console.send(b"pixel")):
            self.wait(50)
            speak()
        self.wait(58)
        self.assertEqual(ends, [])

        self.wait(5)

        self.assertIsInstance(ends[0], IdleLimit)

    def test_a_user_who_answers_no_ping_is_gone(self) -> None:
        pair = self.pair()
        ends = self.watchdog(pair, None, Timeouts(ping_interval=10, ping_timeout=30))
        self.wait(12)
        pair.user.receive()
        self.assertEqual(pair.user.control, [(PING, b"")])
        pair.peer.send(masked(PONG))
        self.wait(20)
        self.assertEqual(ends, [])

        self.wait(40)

        self.assertIsInstance(ends[0], ConnectionLost)


class StoppedProcessTests(PumpTestCase):
    """A peer that is a process of its own, and is stopped for a while."""

    user_way = console_way = Way.UNIX
    COPY = "import os\nwhile data := os.read(0, 65536):\n    os.write(1, data)"

    def test_everything_arrives_when_it_goes_on(self) -> None:
        pair = self.pair(RawFraming())
        pair.console.socket.setblocking(True)
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        process = subprocess.Popen(
            [sys.executable, "-c", self.COPY], stdin=pair.console.socket.fileno(), stdout=writer
        )
        self.addCleanup(os.close, reader)
        os.close(writer)
        try:
            process.send_signal(signal.SIGSTOP)
            pair.user.send(PIXELS)
            self.assertTrue(pair.down.paused)
            self.assert_idle()

            process.send_signal(signal.SIGCONT)
            copied = self.copied(reader, pair)
        finally:
            process.kill()
            process.wait()

        self.assertEqual(copied, PIXELS)

    def copied(self, reader: int, pair: Pair) -> bytes:
        copied = bytearray()
        give_up = time.monotonic() + 60
        while len(copied) < len(PIXELS) and time.monotonic() < give_up:
            pair.peer.pump()
            self.loop.turn(0.001)
            try:
                copied += os.read(reader, 65536)
            except BlockingIOError:
                continue
        return bytes(copied)


class StuckUsersTests(PumpTestCase):
    def test_many_stuck_users_share_little_memory(self) -> None:
        pairs = [self.pair() for _ in range(40)]
        for pair in pairs:
            pair.console.send(PIXELS)

        waiting = [unsent(pair.down.transport) for pair in pairs]

        self.assertLess(max(waiting), 40_000)
        self.assert_idle()
        self.assertEqual(len(dispatcher_of(self.loop)._flows), 80)
