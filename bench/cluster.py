"""Ends and lists the sessions of 20 proxies with 1,000 each, by the API of another one.

    python -m bench.cluster [--proxies 20] [--sessions 1000] [--repetitions 10]

The proxies are simulated by a few processes (see `bench.cluster_members`): their part of the
cluster is the real one, their sessions are socket pairs. Redis and the API are real. For each
request it prints the milliseconds until the API has answered, which is when all proxies have
confirmed, and until the last connection was closed; and how long the API's process was deaf to
everything else.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet import endpoints
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater, react
from twisted.web.http_headers import Headers

from tests.components.redis_server import RedisServer
from vncproxy.model import secret_id
from vncproxy.power import MachinePower

PROCESSES = 4
"""Processes that simulate proxies."""

TICK = 0.002
"""Seconds between two looks at the clock."""


class Members:
    """The processes that simulate proxies."""

    def __init__(self, port: int, proxies: int, sessions: int) -> None:
        each = proxies // PROCESSES
        module = [sys.executable, "-m", "bench.cluster_members", str(port)]
        self._processes = [
            subprocess.Popen(
                [*module, str(number * each), str(each), str(sessions)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]

    def fill(self) -> None:
        """Make all sessions that are missing."""
        self._ask("fill")

    def closed(self) -> tuple[int, float]:
        """Return how many connections were closed, and when the last one was."""
        answers = [answer.split() for answer in self._ask("closed")]
        return sum(int(count) for count, _ in answers), max(float(at) for _, at in answers)

    def stop(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.communicate()

    def _ask(self, command: str) -> list[str]:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(command + "\n")
            process.stdin.flush()
        return [process.stdout.readline() for process in self._processes if process.stdout]


class Deafness:
    """The longest computing time for which the reactor had no turn, whatever else ran meanwhile."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.thread_time()
        LoopingCall(self._look).start(TICK)

    def _look(self) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self._last = now


async def _serve(reactor: Any, port: int) -> tuple[int, str, Callable[[], Awaitable[None]]]:
    """Serve the API of one more proxy; returns its port, a key, and how it is closed."""
    from vncproxy.api import (
        ApiKey,
        ApiKeys,
        ApiParts,
        Caller,
        Scope,
        api_resource,
        api_site,
        new_api_key,
    )
    from vncproxy.cluster.cluster import Cluster
    from vncproxy.config.redis import RedisSettings
    from vncproxy.model import Announcement, Identity
    from vncproxy.tokens.redis import RedisTokenStore

    from .cluster_members import SimulatedSessions

    settings = RedisSettings(port=port, timeout=2)
    store = RedisTokenStore(reactor, settings, time.time, 3600)
    identity = Identity("f" * 16, "f" * 16, "proxy-of-the-api")
    local = SimulatedSessions(-1, 0, reactor, [])
    cluster = Cluster(
        identity,
        settings,
        local,
        lambda: Announcement(identity),
        store.revoked,
        lambda: None,
        reactor,
    )
    cluster.start()
    key, digest = new_api_key()
    resource = api_resource(
        ApiParts(
            store=store,
            sessions=cluster.sessions,
            proxies=cluster,
            backends={},
            power=MachinePower(dict, reactor),
            authenticators=(ApiKeys([ApiKey(digest, Caller("bench", frozenset({Scope.ADMIN})))]),),
            metrics_registry=CollectorRegistry(),
            time=time.time,
            clock=reactor,
            ttl=600,
            max_ttl=600,
            locate_timeout=10,
            base_url="http://127.0.0.1/",
            xvp_url="http://127.0.0.1/",
        )
    )
    endpoint = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    listener: Any = await endpoint.listen(api_site(resource))

    async def close() -> None:
        await listener.stopListening()
        await cluster.stop()
        await store.close()

    return listener.getHost().port, key, close


REQUESTS = {
    "one session": ("DELETE", "/v1/sessions/" + secret_id("7 5")[:16]),
    "a token's, one at each proxy": ("DELETE", "/v1/tokens/" + secret_id("token 5")),
    "a machine's, 2 at each proxy": ("DELETE", "/v1/sessions?vm=kvm/vm-7"),
    "a user's, 50 at each proxy": ("DELETE", "/v1/sessions?user=user-3"),
    "all of one proxy, 1,000": ("DELETE", "/v1/sessions?proxy=proxy-4"),
    "list all": ("GET", "/v1/sessions"),
    "list a page of 100": ("GET", "/v1/sessions?limit=100"),
    "list a user's": ("GET", "/v1/sessions?user=user-3"),
}


async def _measure(reactor: Any, arguments: argparse.Namespace) -> None:
    import treq

    server = RedisServer().start()
    members = Members(server.port, arguments.proxies, arguments.sessions)
    port, key, close = await _serve(reactor, server.port)
    print(f"{'what is asked':<32}{'ended':>8}{'answer ms':>12}{'closed ms':>12}{'deaf ms':>10}")
    deafness = Deafness()
    for what, (method, path) in REQUESTS.items():
        rounds = []
        for _ in range(arguments.repetitions):
            members.fill()
            await _until_written(server, arguments.proxies * arguments.sessions, reactor)
            members.closed()
            began, deafness.longest = time.monotonic(), 0.0
            answer = await treq.request(
                method,
                f"http://127.0.0.1:{port}{path}",
                headers=Headers({"Authorization": [f"Bearer {key}"]}),
            )
            length = len(await answer.content())
            answered = time.monotonic() - began
            deaf = deafness.longest
            count, last = members.closed()
            if answer.code != 200:
                print(f"{what}: status {answer.code}, {length} bytes")
            rounds.append((count, answered, max(0.0, last - began), deaf))
        _print(what, rounds)
    await close()
    members.stop()
    server.remove()


def _print(what: str, rounds: list[tuple[int, float, float, float]]) -> None:
    counts, *times = zip(*rounds, strict=True)
    figures = [f"{1000 * statistics.median(each):.0f}/{1000 * max(each):.0f}" for each in times]
    print(f"{what:<32}{counts[0]:>8}{figures[0]:>12}{figures[1]:>12}{figures[2]:>10}", flush=True)


async def _until_written(server: RedisServer, count: int, reactor: Any) -> None:
    """Wait until all sessions stand in Redis."""
    script = """
        local count = 0
        for _, id in ipairs(redis.call('ZRANGE', 'vncproxy:workers', 0, -1)) do
          count = count + redis.call('HLEN', 'vncproxy:sessions:' .. id)
        end
        return count"""
    while int(server.cli("eval", script, "0")) != count:
        await deferLater(reactor, 0.1)
    await deferLater(reactor, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--proxies", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=1000, help="of each proxy")
    parser.add_argument("--repetitions", type=int, default=10)
    arguments = parser.parse_args()
    print("median/longest of", arguments.repetitions)
    react(lambda reactor: Deferred.fromCoroutine(_measure(reactor, arguments)))


if __name__ == "__main__":
    main()
