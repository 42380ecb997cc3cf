"""The measurements' own checks: they pass what is right, and notice what is not."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

from twisted.trial.unittest import TestCase

from bench.arrivals import Outcome, arrive
from bench.client import Door
from bench.measure import Apart
from bench.metrics import verify
from bench.peers import Peer
from bench.world import World

ROOT = Path(__file__).resolve().parents[2]


class Spoiler(Peer):
    """A forwarder that changes one byte in a million on its way to the viewer."""

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def doors(self, vm: str, count: int) -> list[Door]:
        return [Door(self._listener.getsockname()[1], "tcp")] * count

    def _accept(self) -> None:
        while True:
            try:
                viewer, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.world.fakes["probe"].raw))
            for source, target, spoiled in ((viewer, server, False), (server, viewer, True)):
                threading.Thread(
                    target=_forward, args=(source, target, spoiled), daemon=True
                ).start()


def _forward(source: socket.socket, target: socket.socket, spoiled: bool) -> None:
    total = 0
    try:
        while data := bytearray(source.recv(65536)):
            if spoiled and total // 1_000_000 != (total + len(data)) // 1_000_000:
                data[-1] ^= 1
            total += len(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class IntegrityTests(TestCase):
    def setUp(self) -> None:
        self.world = World(scheduling=False)
        self.addCleanup(self.world.stop)

    def test_the_fake_server_itself_is_right_with_and_without_frames(self) -> None:
        for kind in ("ws", "xvp"):
            self.assertEqual(verify(Peer(self.world, kind)), "")

    def test_a_changed_byte_is_noticed(self) -> None:
        spoiler = Spoiler(self.world, "xvp")
        spoiler.start()
        self.addCleanup(spoiler.stop)

        self.assertIn("bytes to the viewer differ", verify(spoiler))


class ArrivalTests(TestCase):
    """Users at a given rate are counted by their outcome."""

    def setUp(self) -> None:
        self.world = World(scheduling=False)
        self.addCleanup(self.world.stop)

    def test_users_who_see_a_console(self) -> None:
        doors = Peer(self.world, "ws").doors("probe", 20)
        outcome: Outcome = Apart(arrive, doors, 200.0, 7).result()
        self.assertEqual((len(outcome.opened), dict(outcome.failed)), (20, {}))
        self.assertEqual(outcome.goodput(0, 100), 0.2)
        self.assertEqual(len(outcome.seconds()), 20)

    def test_users_who_do_not(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        outcome: Outcome = Apart(arrive, [Door(port, "ws")] * 3, 200.0, 7).result()
        self.assertEqual(dict(outcome.failed), {"ConnectionRefusedError": 3})


class WorkersTests(TestCase):
    def test_the_cheap_users_open_consoles_and_get_updates(self) -> None:
        words = ["--seconds=0.5", "--sessions=4", "--repetitions=1", "--workers=2"]
        done = subprocess.run(
            [sys.executable, "-m", "bench.workers", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

        self.assertEqual(done.returncode, 0, done.stderr)
        for mode in ("open", "update"):
            (line,) = [line for line in done.stdout.splitlines() if line.startswith(mode)]
            figures = re.search(r"2 workers: +(\d+)/s .* (\d+) failed", line)
            assert figures is not None, line
            self.assertGreater(int(figures[1]), 10)
            self.assertEqual(figures[2], "0")
