"""What is done to a part: whose sessions it may end, and which refusals it explains."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.threads import blockingCallFromThread

from . import network
from .parts import Proxy, VNCServer
from .world import World

STORE = frozenset({"store-unavailable"})
UPSTREAM = frozenset(
    {"upstream-unreachable", "upstream-violation", "upstream-closed", "upstream-refused"}
)
ENDED = frozenset({"ended-by-administrator", "token-revoked", "token-unknown"})
STOPPING = frozenset({"proxy-stopping", "proxy-draining"})
NONE: frozenset[str] = frozenset()


Harms = Callable[[dict[str, Any]], bool]
"""Returns whether a fault may end the session of an ``open`` line of the audit."""


def no_session(_: dict[str, Any]) -> bool:
    """Return False, for faults that end nothing."""
    return False


def any_session(_: dict[str, Any]) -> bool:
    """Return True, for faults that may end everything."""
    return True


def these(sessions: Iterable[str]) -> Harms:
    """Return a function that is true for some sessions, by their ids."""
    ids = frozenset(sessions)
    return lambda line: line["session"] in ids


@dataclass
class Fault:
    """One fault while it is there.

    Attributes:
        name: what is done to which part.
        harms: which sessions it may end.
        reasons: the codes of the refusals that it explains.
        all_proxies: whether no proxy may be ready meanwhile, so that HAProxy answers by itself.
        afterwards: is called when everything is healed.
    """

    name: str
    harms: Harms = no_session
    reasons: frozenset[str] = NONE
    all_proxies: bool = False
    afterwards: Callable[[], None] = lambda: None


Make = Callable[[World], Iterator[Fault]]
"""A generator that begins a fault, yields it while it lasts, and heals it."""


def kill_worker(world: World) -> Iterator[Fault]:
    """Kill one worker."""
    proxy = world.random.choice(world.proxies)
    worker = world.random.choice(proxy.workers())
    os.kill(worker.pid, signal.SIGSTOP)  # so that no session opens that is not noted
    harms = these(proxy.sessions_of(worker.pid))
    os.kill(worker.pid, signal.SIGKILL)
    yield Fault(f"kill worker {worker.number} of {proxy.name}", harms)


def stop_worker(world: World) -> Iterator[Fault]:
    """Let one worker hang for some seconds."""
    proxy = world.random.choice(world.proxies)
    worker = world.random.choice(proxy.workers())
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        # when it goes on, it does not know at once whether it has missed orders
        yield Fault(f"stop worker {worker.number} of {proxy.name}", reasons=STORE)
    finally:
        os.kill(worker.pid, signal.SIGCONT)


def kill_proxy(world: World) -> Iterator[Fault]:
    """Kill a supervisor, and start it again when its workers have ended."""
    proxy = world.random.choice(world.proxies)
    yield Fault(f"kill {proxy.name}", these(proxy.kill()))
    proxy.gateway.start()


def drain_proxy(world: World) -> Iterator[Fault]:
    """Stop a proxy as systemd does, and start it again."""
    proxy = world.random.choice(world.proxies)
    before = proxy.sessions()
    os.kill(proxy.gateway.pid, signal.SIGTERM)
    yield Fault(f"SIGTERM to {proxy.name}", these(before | proxy.sessions()), STOPPING)
    proxy.gateway.terminate()
    proxy.gateway.start()


def reload_proxy(world: World) -> Iterator[Fault]:
    """Let a proxy read its configuration again."""
    proxy = world.random.choice(world.proxies)
    os.kill(proxy.gateway.pid, signal.SIGHUP)
    yield Fault(f"SIGHUP to {proxy.name}")


def upgrade_proxy(world: World) -> Iterator[Fault]:
    """Let new workers take over from those that have sessions."""
    proxy = world.random.choice(world.proxies)
    name, upgrades = f"SIGUSR2 to {proxy.name}", proxy.upgrades()
    os.kill(proxy.gateway.pid, signal.SIGUSR2)
    yield Fault(name)
    world.wait(lambda: proxy.upgrades() > upgrades, f"{name}: the upgrade")
    world.note_retired(proxy, name)


def drain_by_order(world: World) -> Iterator[Fault]:
    """Drain a proxy by a call to any of them, and start it again."""
    proxy = world.random.choice(world.proxies)
    before = proxy.sessions()
    world.order("POST", f"/v1/proxies/{proxy.name}/drain")
    yield Fault(f"order {proxy.name} to drain", these(before | proxy.sessions()), STOPPING)
    proxy.gateway.terminate()
    proxy.gateway.start()


def end_sessions(world: World) -> Iterator[Fault]:
    """End the consoles of some users by calls to any proxy."""
    yield from _order_ends(world, "end the sessions", "/v1/sessions?user=")


def revoke_tokens(world: World) -> Iterator[Fault]:
    """Revoke the links of some users, whose consoles end."""
    yield from _order_ends(world, "revoke the tokens", "/v1/tokens?user=")


def _order_ends(world: World, what: str, path: str) -> Iterator[Fault]:
    """Give orders to end what some users have; those who come back just then have nothing."""
    users = world.random.sample(world.users, 3)
    consoles = {user.name: user.opened_at for user in users if user.connected}
    obeyed = [user for user in users if world.order("DELETE", path + user.name) in (200, 207)]
    names = frozenset(user.name for user in users)
    name = f"{what} of {', '.join(user.name for user in users)}"

    def afterwards() -> None:
        for user in obeyed:
            if user.name in consoles:
                gone = partial(user.has_left, consoles[user.name])
                world.wait(gone, f"{name}: {user.name} to leave")
        for user in users:
            token = world.issue(type(user), user.vm, user.name)
            blockingCallFromThread(world.reactor, user.renew, token)

    yield Fault(name, lambda line: line["user"] in names, ENDED, afterwards=afterwards)


def kill_primary(world: World) -> Iterator[Fault]:
    """Kill the primary of Redis, and start it again as a replica of the next one."""
    old = world.redis.primary()
    old.kill()
    yield Fault("kill the primary of Redis", reasons=STORE, all_proxies=True)
    world.wait(lambda: world.redis.primary() is not old, "a failover")
    old.start()


def stop_primary(world: World) -> Iterator[Fault]:
    """Let the primary of Redis hang until another one has its place."""
    old = world.redis.primary()
    old.pause()
    try:
        yield Fault("stop the primary of Redis", reasons=STORE, all_proxies=True)
        world.wait(lambda: world.redis.primary() is not old, "a failover")
    finally:
        old.resume()


def kill_sentinel(world: World) -> Iterator[Fault]:
    """Kill one sentinel of three."""
    sentinel = world.random.choice(world.redis.sentinels[1:])
    sentinel.kill()
    yield Fault("kill a sentinel")
    sentinel.start()


def kill_balancer(world: World) -> Iterator[Fault]:
    """Kill HAProxy, and start it again."""
    world.balancer.kill()
    yield Fault("kill HAProxy", any_session, all_proxies=True)
    world.balancer.start(world.proxies)


def kill_server(world: World) -> Iterator[Fault]:
    """Kill a VNC server, and start it again."""
    server = world.random.choice(world.servers)
    server.kill()
    yield Fault(f"kill {server.name}", _consoles_of(server), UPSTREAM)
    server.start()


def stop_server(world: World) -> Iterator[Fault]:
    """Let a VNC server hang for some seconds."""
    server = world.random.choice(world.servers)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield Fault(f"stop {server.name}", reasons=UPSTREAM)
    finally:
        os.kill(server.pid, signal.SIGCONT)


def stutter(world: World) -> Iterator[Fault]:
    """Let a part run for a tenth of the time only."""
    primary = world.redis.primary()
    parts = {each.name: each.pid for each in world.servers}
    parts |= {each.name: each.workers()[0].pid for each in world.proxies}
    parts |= {"HAProxy": world.balancer.pid}
    name = world.random.choice([*parts, "the primary of Redis"])
    for _ in range(10):
        primary.pause() if name not in parts else os.kill(parts[name], signal.SIGSTOP)
        time.sleep(0.2)
        primary.resume() if name not in parts else os.kill(parts[name], signal.SIGCONT)
        time.sleep(0.02)
    yield Fault(f"slow {name} down", reasons=UPSTREAM | STORE)


def cut_from_redis(world: World) -> Iterator[Fault]:
    """Cut one proxy off from all of Redis."""
    proxy = world.random.choice(world.proxies)
    redis = (*world.redis.servers, *world.redis.sentinels)
    ports = ",".join(str(each.port) for each in redis)
    with network.cut(f"meta skgid {proxy.group} tcp dport {{ {ports} }}"):
        yield Fault(f"cut {proxy.name} off from Redis", reasons=STORE)


def cut_from_server(world: World) -> Iterator[Fault]:
    """Cut one proxy off from one VNC server."""
    proxy, server = world.random.choice(world.proxies), world.random.choice(world.servers)
    consoles = _consoles_of(server)

    def harms(line: dict[str, Any]) -> bool:
        return consoles(line) and line["proxy"] == proxy.name

    with network.cut(f"meta skgid {proxy.group} tcp dport {server.port}"):
        yield Fault(f"cut {proxy.name} off from {server.name}", harms, UPSTREAM)


def cut_from_balancer(world: World) -> Iterator[Fault]:
    """Cut HAProxy off from one proxy."""
    proxy: Proxy = world.random.choice(world.proxies)
    port = proxy.gateway.web_port
    with network.cut(f"tcp dport {port}", f"tcp sport {port}"):
        name = f"cut HAProxy off from {proxy.name}"
        yield Fault(name, lambda line: bool(line["proxy"] == proxy.name))


ALL: tuple[Make, ...] = (
    kill_worker,
    stop_worker,
    kill_proxy,
    drain_proxy,
    reload_proxy,
    upgrade_proxy,
    drain_by_order,
    end_sessions,
    revoke_tokens,
    kill_primary,
    stop_primary,
    kill_sentinel,
    kill_balancer,
    kill_server,
    stop_server,
    stutter,
    cut_from_redis,
    cut_from_server,
    cut_from_balancer,
)


AT_A_TIME = frozenset(
    {
        (one, other)
        for one in (kill_worker, stop_worker, kill_proxy, drain_proxy, reload_proxy, upgrade_proxy)
        for other in (kill_primary, stop_primary, kill_sentinel, kill_server, stop_server)
    }
    | {
        (one, order)
        for one in (kill_worker, stop_worker, kill_proxy, cut_from_redis)
        for order in (end_sessions, revoke_tokens)
    }
)
"""Faults that may come together: of a proxy, and of what is behind it; and orders meanwhile."""


def _consoles_of(server: VNCServer) -> Harms:
    return lambda line: bool(line["vm"] == f"lab/{server.name}")


@contextmanager
def injected(make: Make, world: World) -> Iterator[Fault]:
    """Begin a fault, and heal it at the end."""
    running = make(world)
    try:
        yield next(running)
    finally:
        next(running, None)
