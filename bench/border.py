"""Measures consoles of another zone beside those within one: time to open, and the relay's cost.

    python -m bench.border [--openings 60] [--megabytes 400] [--updates 4000]

Both proxies run on this machine, in network namespaces; needs root. After ServerInit the console's
server streams zeros, or answers each key event with 1.5 KB; no proxy reads either. The relay's cost
is the processor time of each proxy, and the bytes that it sends to the other zone and receives.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.components.gateway import Gateway
from tests.components.two_hosts import ip
from tests.components.viewer import read, request_tunnel
from tests.components.zones import Zone, Zones, reaches
from vncproxy.zones.keys import PrivateKey

TICKS = os.sysconf("SC_CLK_TCK")
PIECE = 1 << 20

SERVER = """
import socket, struct, sys, threading

def read(connection, size):
    while size:
        size -= len(connection.recv(size) or sys.exit())

def serve(connection):
    try:
        stream(connection)
    except OSError:
        pass

def stream(connection):
    connection.sendall(b"RFB 003.008\\n")
    read(connection, 12)
    connection.sendall(b"\\x01\\x01")
    read(connection, 1)
    connection.sendall(bytes(4))
    read(connection, 1)
    connection.sendall(struct.pack(">HH16xI", 640, 400, 4) + b"test")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    zeros = bytes(1 << 20)
    while True:  # a key event asks for an update, anything else for the stream
        kind = connection.recv(1)
        if kind != b"\\x04":
            break
        read(connection, 7)
        connection.sendall(zeros[:1500])
    while kind:
        connection.sendall(zeros)

listener = socket.create_server((sys.argv[1], 5900), backlog=64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--openings", type=int, default=60)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--updates", type=int, default=4000)
    arguments = parser.parse_args()
    zones = Zones("paris", "madrid")
    try:
        near, far = zones.all
        server = _start(near, far)
        try:
            _measure_openings(near, far, arguments.openings)
            _measure_streams(near, far, arguments.megabytes << 20)
            _measure_updates(near, far, arguments.updates)
        finally:
            server.kill()
            server.wait()
    finally:
        zones.stop()


def _start(near: Zone, far: Zone) -> subprocess.Popen[bytes]:
    key = PrivateKey.new()
    near.configure(far.table(key))
    far.configure(f'[zones.paris.accept]\nkeys = ["{key.public}"]\nbackends = ["kvm"]\n')
    command = ["ip", "netns", "exec", far.hypervisor_space, sys.executable, "-c", SERVER]
    server = subprocess.Popen([*command, far.hypervisor])
    for zone in (near, far):
        zone.gateway.start()
    while not reaches(far.proxy_space, far.hypervisor, 5900):
        time.sleep(0.05)
    return server


def _open(gateway: Gateway, vm: str) -> socket.socket:
    """Open a console up to ServerInit; returns the viewer's connection."""
    token = gateway.issue(vm, type="xvpvnc")["token"]
    connection = socket.create_connection((gateway.host, gateway.xvp_port), 60)
    request_tunnel(connection, f"/console?token={token}")
    read(connection, 12)
    connection.sendall(b"RFB 003.008\n")
    read(connection, 2)
    connection.sendall(b"\x01")
    read(connection, 4)
    connection.sendall(b"\x01")
    size = int.from_bytes(read(connection, 24)[20:], "big")
    read(connection, size)
    return connection


def _ways(near: Zone, far: Zone) -> list[tuple[str, Gateway, str]]:
    return [
        ("within", far.gateway, "kvm/web-01"),
        ("across", near.gateway, "madrid/kvm/web-01"),
    ]


def _measure_openings(near: Zone, far: Zone, count: int) -> None:
    times: dict[str, list[float]] = {"within": [], "across": []}
    for number in range(count + 5):
        for name, gateway, vm in _ways(near, far):
            begun = time.perf_counter()
            connection = _open(gateway, vm)
            if number >= 5:  # the first ones load what is imported late
                times[name].append((time.perf_counter() - begun) * 1000)
            connection.close()
    for name, all_ in times.items():
        all_.sort()
        median, slow = statistics.median(all_), all_[int(len(all_) * 0.9)]
        print(f"{name}: opens in {median:.1f} ms (9 of 10 in {slow:.1f} ms, best {all_[0]:.1f} ms)")


@dataclass
class Cost:
    """What both proxies have spent since `begin`.

    Attributes:
        seconds: of wall clock.
        processor: seconds of processor time, of the near proxy and of the far one.
        traffic: bytes that the far proxy has sent to users and other zones, and received.
    """

    near: Zone
    far: Zone
    seconds: float = 0.0
    processor: tuple[float, float] = (0.0, 0.0)
    traffic: tuple[int, int] = (0, 0)

    def __enter__(self) -> Cost:
        self._before = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        begun, processor, traffic = self._before
        seconds, later, more = self._now()
        self.seconds = seconds - begun
        self.processor = later[0] - processor[0], later[1] - processor[1]
        self.traffic = more[0] - traffic[0], more[1] - traffic[1]

    def _now(self) -> tuple[float, tuple[float, float], tuple[int, int]]:
        near, far = _processor(self.near.gateway), _processor(self.far.gateway)
        return time.perf_counter(), (near, far), _traffic(self.far)


def _measure_streams(near: Zone, far: Zone, size: int) -> None:
    for name, gateway, vm in _ways(near, far):
        with _open(gateway, vm) as connection, Cost(near, far) as cost:
            connection.sendall(b"\x00")
            left = size
            while left > 0:
                left -= len(connection.recv(PIECE))
        used = [each / (size / 1e9) for each in cost.processor]
        print(
            f"{name}: {size / 1e6 / cost.seconds:.0f} MB/s; processor per GB: "
            f"near {used[0]:.2f} s, far {used[1]:.2f} s; the far proxy sends "
            f"{cost.traffic[0] / size:.3f} bytes for each"
        )


def _measure_updates(near: Zone, far: Zone, count: int) -> None:
    """Press keys one after the other, each once the update for the one before has come."""
    event = b"\x04\x01\x00\x00\x00\x00\x00a"
    for name, gateway, vm in _ways(near, far):
        with _open(gateway, vm) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with Cost(near, far) as cost:
                for _ in range(count):
                    connection.sendall(event)
                    read(connection, 1500)
        used = [each / count * 1e6 for each in cost.processor]
        sent, received = (each / count for each in cost.traffic)
        print(
            f"{name}: {cost.seconds / count * 1e6:.0f} us for a key and its update; processor: "
            f"near {used[0]:.0f} us, far {used[1]:.0f} us; far sends {sent:.0f} bytes and "
            f"receives {received:.0f}"
        )


def _processor(gateway: Gateway) -> float:
    """Return the seconds of processor time that a proxy has used."""
    words = Path(f"/proc/{gateway.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def _traffic(zone: Zone) -> tuple[int, int]:
    """Return the bytes that a proxy has sent to users and other zones, and received."""
    text = ip("netns", "exec", zone.proxy_space, "cat", "/proc/net/dev")
    (line,) = [line for line in text.splitlines() if line.strip().startswith("front:")]
    numbers = line.partition(":")[2].split()
    return int(numbers[8]), int(numbers[0])


if __name__ == "__main__":
    main()
