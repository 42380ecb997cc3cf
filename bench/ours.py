"""The whole product for a measurement: ``twistd vncproxy``, real Redis, single-use tokens."""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import time

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.redis_server import RedisServer

MACHINES = 256
"""Machines that sessions are spread over, as those of many users are."""

CONFIG = """
[proxy]
name = "bench"
[tokens]
store = "redis"
[redis]
port = {redis}
timeout = 2
[limits]
sessions = 100000
sessions_per_address = 100000
connections = 200000
connections_per_address = 200000
sessions_per_vm = 100000
[backends.bench]
type = "static"
[backends.bench.consoles]
{consoles}
{relay}
"""


def gateway(redis: RedisServer, kind: str, targets: dict[str, int], relay: str) -> Gateway:
    """Return a proxy to start, with the fake servers as its consoles.

    Args:
        targets: name of a machine -> its RFB port.
        relay: further TOML that chooses a relay.
    """
    lines = (
        f'{vm}-{number} = {{ address = "127.0.0.1:{port}" }}'
        for vm, port in targets.items()
        for number in range(MACHINES)
    )
    config = CONFIG.format(redis=redis.port, consoles="\n".join(lines), relay=relay)
    if kind != "wss":
        return Gateway(config)
    certificate, key = Authority(redis.folder).issue("localhost")
    web = f"ssl:{{port}}:interface=127.0.0.1:certKey={certificate}:privateKey={key}"
    return Gateway(config, web=web, scheme="https")


def issue(redis: RedisServer, vm: str, viewer: str, count: int) -> list[str]:
    """Write single-use tokens into Redis as a portal does; returns their secrets."""
    records = [_record(f"bench/{vm}-{number}", viewer) for number in range(min(count, MACHINES))]
    tokens = [secrets.token_urlsafe(32) for _ in range(count)]
    with socket.create_connection(("127.0.0.1", redis.port), 10) as connection:
        for at in range(0, count, 500):
            some = range(at, min(count, at + 500))
            words = (_set(tokens[each], records[each % MACHINES]) for each in some)
            connection.sendall(b"".join(words))
            answer = b""
            while len(answer) < 5 * len(some):
                answer += connection.recv(65536)
            if answer != b"+OK\r\n" * len(some):
                raise RuntimeError(f"Redis answered {answer[:80]!r}")
    return tokens


def _record(vm: str, viewer: str) -> bytes:
    now = int(time.time())
    return json.dumps(
        {
            "v": 1,
            "vm": vm,
            "user": "bench",
            "type": viewer,
            "issued_at": now,
            "expires_at": now + 600,
        }
    ).encode()


def _set(token: str, record: bytes) -> bytes:
    key = b"vncproxy:token:" + hashlib.sha256(token.encode()).hexdigest().encode()
    words = (b"SET", key, record, b"EX", b"600")
    return b"*5\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
