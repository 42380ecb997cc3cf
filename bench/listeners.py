"""How workers should share a port: one inherited listening socket, or ``SO_REUSEPORT`` for each.

    python -m bench.listeners [--connections 4000]

Two processes accept connections and take two milliseconds for each, as a console that is opened
does; 64 clients connect again and again. Meanwhile one process is killed and replaced, or it is
replaced as in an upgrade: the new one listens, the old one closes its socket. Printed are the
connections that were lost (reset or refused), how evenly the processes were used, and the time that
clients waited.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

from .measure import percentile

CLIENTS = 64
WORK = 0.002
WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.listeners", description=__doc__)
    parser.add_argument("--connections", type=int, default=4000)
    arguments = parser.parse_args()
    for reuse_port in (False, True):
        for disturbance in ("none", "kill", "upgrade"):
            print(_measure(reuse_port, disturbance, arguments.connections), flush=True)


class Listeners:
    """Some processes that accept at one port.

    Args:
        reuse_port: whether each has a socket of its own.
    """

    def __init__(self, reuse_port: bool) -> None:
        self._reuse_port = reuse_port
        self._socket = _bind(0, reuse_port)
        self.port = self._socket.getsockname()[1]
        if not reuse_port:
            self._socket.listen(4096)
        self.pids = [self.start(number) for number in range(WORKERS)]

    def start(self, number: int) -> int:
        """Start a process; returns its number, once it listens."""
        listening, said = os.pipe()
        pid = os.fork()
        if not pid:
            listener = _bind(self.port, True) if self._reuse_port else self._socket
            listener.listen(4096)
            os.write(said, b".")
            _accept(listener, number)
        os.read(listening, 1)
        os.close(listening)
        os.close(said)
        return pid

    def disturb(self, how: str) -> None:
        """Replace the first process."""
        if how == "none":
            return
        if how == "upgrade":
            new = self.start(0)
            os.kill(self.pids[0], signal.SIGTERM)
        else:
            os.kill(self.pids[0], signal.SIGKILL)
            time.sleep(0.2)
            new = self.start(0)
        os.waitpid(self.pids[0], 0)
        self.pids[0] = new

    def stop(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._socket.close()


def _bind(port: int, reuse_port: bool) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _accept(listener: socket.socket, number: int) -> None:
    """Serve until told to end; what has been accepted is served before."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    while not ended.is_set():
        for _ in poll.poll(0.05):
            with suppress(BlockingIOError):
                connection, _address = listener.accept()
                time.sleep(WORK)
                connection.sendall(b"%d" % number)
                connection.close()
    listener.close()
    os._exit(0)


class Clients:
    """Connect again and again, each after the answer to the connection before."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._each = connections // CLIENTS
        self.answers: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        for _ in range(self._each):
            begun = time.monotonic()
            try:
                with socket.create_connection(("127.0.0.1", self._port), 30) as connection:
                    answer = connection.recv(1).decode() or "lost"
            except OSError:
                answer = "lost"
            self.answers[answer] += 1
            self.seconds.append(time.monotonic() - begun)

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()


def _measure(reuse_port: bool, disturbance: str, connections: int) -> str:
    listeners = Listeners(reuse_port)
    clients = Clients(listeners.port, connections)
    time.sleep(connections * WORK / WORKERS / 2)
    listeners.disturb(disturbance)
    clients.wait()
    listeners.stop()
    of_each = [clients.answers[str(number)] for number in range(WORKERS)]
    waits = sorted(clients.seconds)
    how = "SO_REUSEPORT" if reuse_port else "inherited"
    return (
        f"{how:13} {disturbance:8} lost {clients.answers['lost']:3}, of each worker {of_each}, "
        f"p50 {percentile(waits, 0.5) * 1e3:5.1f} ms, p99 {percentile(waits, 0.99) * 1e3:5.1f} ms"
    )


if __name__ == "__main__":
    main()
