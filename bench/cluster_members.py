"""A process with several simulated proxies, whose sessions are socket pairs; see `bench.cluster`.

    python -m bench.cluster_members PORT FIRST COUNT SESSIONS

Everything between Redis and the sessions is the real thing. Commands come on standard input, one a
line: ``fill`` makes all sessions anew that have ended, ``closed`` answers how many connections were
closed since the last answer, and when the last of them was.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver

from vncproxy.cluster.cluster import Cluster
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import SessionEnded
from vncproxy.model import (
    Announcement,
    ConsoleType,
    Ended,
    Identity,
    SessionFilter,
    SessionInfo,
    VMAddress,
    secret_id,
)
from vncproxy.pacing import Pace


class SimulatedSessions:
    """The sessions of one proxy: each is a socket pair, of which one end is the user's."""

    def __init__(self, member: int, count: int, reactor: Any, closings: list[float]) -> None:
        self.live: dict[str, tuple[SessionInfo, socket.socket, socket.socket]] = {}
        self.publisher: Any = None
        self._member, self._count, self._reactor = member, count, reactor
        self._closings = closings

    def fill(self) -> None:
        """Make the sessions that are missing."""
        for number in range(self._count):
            session = _session(self._member, number)
            if session.id not in self.live:
                self.live[session.id] = (session, *socket.socketpair())
                self.publisher.opened(session)

    def refusal(self) -> None:
        return None

    async def list(self, **_: object) -> Sequence[SessionInfo]:
        return [session for session, _, _ in self.live.values()]

    async def get(self, session_id: str) -> SessionInfo | None:
        found = self.live.get(session_id)
        return found[0] if found else None

    async def end(self, session_id: str, why: SessionEnded, by: str = "") -> Ended:
        return Ended(await self.end_matching(why, SessionFilter(ids=frozenset({session_id}))))

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        """End sessions as the registry of a proxy does."""
        pace, ended = Pace(self._reactor), 0
        for session, ours, theirs in list(self.live.values()):
            await pace.step()
            if wanted.accepts(session):
                ours.close()
                assert theirs.recv(1) == b""
                self._closings.append(time.monotonic())
                theirs.close()
                del self.live[session.id]
                self.publisher.closed(session, why)
                ended += 1
        return ended


def _session(member: int, number: int) -> SessionInfo:
    return SessionInfo(
        id=secret_id(f"{member} {number}")[:16],
        type=ConsoleType.NOVNC,
        client="198.51.100.7",
        started_at=1_800_000_000.0 + number + member / 100,
        token_id=secret_id(f"token {number}"),
        vm=VMAddress("kvm", f"vm-{number % 500}"),
        user=f"user-{number % 20}",
        host="192.0.2.10",
        proxy=f"proxy-{member}",
    )


class _Commands(LineOnlyReceiver, Protocol):
    delimiter = b"\n"

    def __init__(self, members: list[SimulatedSessions], closings: list[float]) -> None:
        self._members, self._closings = members, closings

    def lineReceived(self, line: bytes) -> None:
        if line == b"fill":
            for each in self._members:
                each.fill()
            self.sendLine(b"filled")
        elif line == b"closed":
            last = max(self._closings, default=0.0)
            self.sendLine(f"{len(self._closings)} {last!r}".encode())
            self._closings.clear()

    def connectionLost(self, reason: object = None) -> None:
        from twisted.internet import reactor

        reactor.stop()


def main(port: int, first: int, count: int, sessions: int) -> None:
    from twisted.internet import reactor

    settings = RedisSettings(port=port, timeout=2)
    closings: list[float] = []
    members = []
    for member in range(first, first + count):
        members.append(_member(member, sessions, settings, reactor, closings))
    StandardIO(_Commands(members, closings))
    reactor.run()


def _member(
    member: int, count: int, settings: RedisSettings, reactor: Any, closings: list[float]
) -> SimulatedSessions:
    identity = Identity(f"{member:016x}", secret_id(f"worker {member}")[:16], f"proxy-{member}")
    sessions = SimulatedSessions(member, count, reactor, closings)

    async def revoked(_: object) -> frozenset[str]:
        return frozenset()

    def describe() -> Announcement:
        return Announcement(identity, backends={"kvm": "1"}, sessions=len(sessions.live))

    cluster = Cluster(identity, settings, sessions, describe, revoked, lambda: None, reactor)
    sessions.publisher = cluster.publisher
    cluster.start()
    return sessions


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
