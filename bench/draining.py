"""How long users of two proxies behind HAProxy are without their consoles while each is restarted.

    python -m bench.draining [--pages 200] [--viewers 5] [--stop-timeout 10]

HAProxy runs ``etc/haproxy.cfg``, Redis and the guest are real. Each page is a client that does what
the console page does: it closes its web socket when it is asked to, and opens the console again
with its cookie. A return lasts from that close to the first bytes after the new console's greeting.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import signal
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.components.balancers import Certificate, HAProxy
from tests.components.gateway import Gateway
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer
from tests.components.vnc_servers import QemuMachine
from tests.doubles.frames import masked

from .measure import percentile

BINARY, TEXT, CLOSE, PING, PONG = 0x82, 0x81, 0x88, 0x89, 0x8A
MOVING = 4116
PATIENCE = 60.0
"""Seconds for which a page tries to return."""


class Page:
    """One page, which stays until it is cancelled.

    Attributes:
        returns: seconds of each time without its console.
        tries: web sockets that were refused.
    """

    def __init__(self, port: int, token: str, tls: ssl.SSLContext) -> None:
        self.returns: list[float] = []
        self.tries = 0
        self.connected = asyncio.Event()
        self._port, self._token, self._tls = port, token, tls
        self._cookie = ""

    async def stay(self) -> None:
        """Open the console, and return to it whenever it is left."""
        left = 0.0
        while True:
            try:
                reader, writer = await self._open()
            except (OSError, EOFError, ValueError):
                self.tries += 1
                if left and time.monotonic() > left + PATIENCE:
                    raise
                await asyncio.sleep(0.2)
                continue
            if left:
                self.returns.append(time.monotonic() - left)
            self.connected.set()
            await _until_asked(reader, writer)
            left = time.monotonic()
            writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._tls, server_hostname="localhost"
        )
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /websockify?token={self._token}&moves=1 HTTP/1.1\r\nHost: localhost:{self._port}"
            f"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nCookie: {self._cookie}\r\n\r\n".encode()
        )
        header = (await reader.readuntil(b"\r\n\r\n")).decode()
        if not header.startswith("HTTP/1.1 101"):
            writer.close()
            raise ValueError(header.splitlines()[0])
        for line in header.splitlines():
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                self._cookie = value.partition(";")[0]
        await _greet(reader, writer)
        return reader, writer


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Go up to ServerInit."""
    await _payload(reader, 12)
    writer.write(masked(BINARY, b"RFB 003.008\n"))
    if (await _payload(reader, 2))[0] == 0:
        raise ValueError("refused")
    writer.write(masked(BINARY, b"\x01"))
    writer.write(masked(BINARY, b"\x01"))
    await _payload(reader, 4 + 24)


async def _payload(reader: asyncio.StreamReader, size: int) -> bytes:
    data = b""
    while len(data) < size:
        kind, piece = await _frame(reader)
        if kind == BINARY:
            data += piece
        elif kind == CLOSE:
            raise EOFError
    return data


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, size = await reader.readexactly(2)
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    return kind, await reader.readexactly(size)


async def _until_asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve the web socket until it is closed; close it when the proxy asks to."""
    try:
        while True:
            kind, data = await _frame(reader)
            if kind == PING:
                writer.write(masked(PONG, data))
            elif kind == TEXT:
                writer.write(masked(CLOSE, MOVING.to_bytes(2, "big")))
            elif kind == CLOSE:
                return
    except (OSError, EOFError):
        return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.draining", description=__doc__)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--viewers", type=int, default=5)
    parser.add_argument("--stop-timeout", type=float, default=10.0)
    asyncio.run(_measure(parser.parse_args()))


async def _measure(arguments: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="draining-"))
    redis = RedisServer().start()
    machine = QemuMachine(folder, "guest", vnc=",share=ignore,connections=2000").start()
    certificate = Certificate(folder)
    haproxy = HAProxy(folder, certificate, CONNECTIONS="2000")
    proxies = [_proxy(redis, machine, haproxy, arguments.stop_timeout) for _ in range(2)]
    haproxy.start(proxies)
    try:
        await _restart_each(proxies, haproxy, certificate, arguments)
    finally:
        for each in proxies:
            await asyncio.to_thread(each.stop)
        machine.stop()
        redis.remove()


def _proxy(redis: RedisServer, machine: QemuMachine, haproxy: HAProxy, stop: float) -> Gateway:
    config = f"""
[proxy]
stop_timeout = {stop}
[limits]
sessions_per_vm = 1000
sessions_per_address = 1000
[tokens]
store = "redis"
[redis]
port = {redis.port}
[backends.lab]
type = "static"
[backends.lab.consoles]
guest = {{ address = "127.0.0.1:{machine.port}" }}
"""
    return Gateway(
        config,
        xvp="haproxy:tcp:{port}:interface=127.0.0.1",
        tables={"public": 'trusted_proxies = ["127.0.0.1/32"]'},
        base_url=f"https://localhost:{haproxy.web}/",
    ).start()


async def _restart_each(
    proxies: list[Gateway], haproxy: HAProxy, certificate: Certificate, arguments: Any
) -> None:
    tls = ssl.create_default_context(cafile=certificate.ca_file)
    tokens = [proxies[0].issue("lab/guest")["token"] for _ in range(arguments.pages)]
    pages = [Page(haproxy.web, token, tls) for token in tokens]
    staying = [asyncio.create_task(page.stay()) for page in pages]
    await asyncio.gather(*(page.connected.wait() for page in pages))
    viewers = []  # each is closed when it is not kept
    for _ in range(arguments.viewers):
        token = proxies[0].issue("lab/guest", type="xvpvnc")["token"]
        viewers.append(await asyncio.to_thread(Viewer.connect, haproxy.xvp, token, tls=tls))
    print(
        f"{len(pages)} pages, {arguments.viewers} viewers; stop_timeout {arguments.stop_timeout:g}"
    )
    for number, proxy in enumerate(proxies, 1):
        begun = time.monotonic()
        os.kill(proxy.pid, signal.SIGTERM)
        before = sum(len(page.returns) for page in pages)
        status = await asyncio.to_thread(proxy.wait)
        took = time.monotonic() - begun
        await asyncio.sleep(1.0)
        moved = sum(len(page.returns) for page in pages) - before
        print(f"proxy {number}: stopped ({status}) after {took:.1f} s, {moved} pages returned")
        await asyncio.to_thread(proxy.start)
    returns = sorted(each for page in pages for each in page.returns)
    print(
        f"returns: {len(returns)}, p50 {percentile(returns, 0.5):.3f} s, "
        f"p99 {percentile(returns, 0.99):.3f} s, longest {returns[-1]:.3f} s, "
        f"{sum(page.tries for page in pages)} further tries"
    )
    for each in staying:
        each.cancel()
    for viewer in viewers:
        viewer.close()


if __name__ == "__main__":
    main()
