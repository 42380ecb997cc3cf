"""Measures consoles of another zone beside those within one: time to open, and the relay's time.

    python -m bench.border [--openings 60] [--megabytes 400]

Both proxies run on this machine, in network namespaces; needs root. The console's server streams
zeros after ServerInit, which no proxy reads.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.components.gateway import Gateway
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
    zeros = bytes(1 << 20)
    read(connection, 1)  # the viewer asks for the stream
    while True:
        connection.sendall(zeros)

listener = socket.create_server((sys.argv[1], 5900), backlog=64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--openings", type=int, default=60)
    parser.add_argument("--megabytes", type=int, default=400)
    arguments = parser.parse_args()
    zones = Zones("paris", "madrid")
    try:
        near, far = zones.all
        server = _start(near, far)
        try:
            _measure_openings(near, far, arguments.openings)
            _measure_streams(near, far, arguments.megabytes << 20)
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


def _measure_streams(near: Zone, far: Zone, size: int) -> None:
    for name, gateway, vm in _ways(near, far):
        with _open(gateway, vm) as connection:
            before, begun = [_processor(zone.gateway) for zone in (near, far)], time.perf_counter()
            connection.sendall(b"\x00")
            left = size
            while left > 0:
                left -= len(connection.recv(PIECE))
            seconds = time.perf_counter() - begun
            after = [_processor(zone.gateway) for zone in (near, far)]
        used = [(b - a) / (size / 1e9) for a, b in zip(before, after, strict=True)]
        print(
            f"{name}: {size / 1e6 / seconds:.0f} MB/s; processor per GB: "
            f"near {used[0]:.2f} s, far {used[1]:.2f} s"
        )


def _processor(gateway: Gateway) -> float:
    """Return the seconds of processor time that a proxy has used."""
    words = Path(f"/proc/{gateway.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


if __name__ == "__main__":
    main()
