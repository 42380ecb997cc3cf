"""A process of its own that redeems tokens, and keeps the sessions, as a proxy does.

``python -m tests.components.redeeming_process PORT WORKER LEASE LIMITS`` announces itself in Redis
for LEASE seconds at a time. It reads a line of ``secret@address`` and answers with a line of
outcomes in their order: ``in``, or the name of the limit that was reached, or the class of another
error. All of a line are redeemed at once. The line ``leave`` ends all sessions, and is answered
``left``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver

from vncproxy.errors import OverLimit, VNCProxyError
from vncproxy.model import Limits, SessionLease, Token, new_id

OUSTED = "ousted"
"""The key of the set of the sessions that had to end because others began."""

ROOT = Path(__file__).parents[2]


class RedeemingProcess:
    """Starts the process, and speaks with it."""

    def __init__(self, port: int, worker: str, lease: float, limits: dict[str, int]) -> None:
        words = ["-m", __name__, str(port), worker, str(lease), json.dumps(limits)]
        self.worker = worker
        self._process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.read()

    def send(self, *words: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(words).encode() + b"\n")
        self._process.stdin.flush()

    def read(self) -> list[str]:
        """Return the words of the next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().split()

    def redeem(self, *words: str) -> list[str]:
        """Redeem at once; returns the outcomes."""
        self.send(*words)
        return self.read()

    def pause(self) -> None:
        """Let it hang."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class _Redeeming(LineReceiver):
    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self, store: Any, worker: str, limits: Limits) -> None:
        self._store = store
        self._worker = worker
        self._limits = limits
        self._sessions: list[tuple[SessionLease, Token]] = []
        store.leases.held = lambda: list(self._sessions)

    def connectionMade(self) -> None:
        self.sendLine(b"ready")

    def lineReceived(self, line: bytes) -> None:
        if line == b"leave":
            while self._sessions:
                self._store.leave(*self._sessions.pop())
            self.sendLine(b"left")
            return
        work = [
            Deferred.fromCoroutine(self._redeem(*word.split("@"))) for word in line.decode().split()
        ]
        gatherResults(work).addCallback(lambda found: self.sendLine(" ".join(found).encode()))

    async def _note_ousted(self, *names: str) -> None:
        """Write the names of sessions that are to end into a set of Redis."""
        await self._store._link.run(lambda redis: redis.command("SADD", OUSTED, *names))

    async def _redeem(self, secret: str, client: str) -> str:
        lease = SessionLease(new_id(), self._worker, client, self._limits)
        try:
            grant = await self._store.redeem(secret, lease=lease)
            self._sessions.append((lease, grant.token))
            if grant.ousted:
                await self._note_ousted(*[name for name, _ in grant.ousted])
            await self._store.confirm(grant)
        except OverLimit as e:
            return e.option
        except VNCProxyError as e:
            return type(e).__name__
        return "in"


def main(port: str, worker: str, lease: str, limits: str) -> None:
    from twisted.internet import reactor

    from vncproxy.cluster.keys import ClusterKeys
    from vncproxy.cluster.presence import Presence
    from vncproxy.model import Announcement, Identity
    from vncproxy.redis.link import RedisLink
    from vncproxy.tokens.redis import RedisSettings, RedisTokenStore

    clock: Any = reactor
    settings = RedisSettings(port=int(port), timeout=30)
    store = RedisTokenStore(clock, settings, time.time, 3600)
    seconds = float(lease)
    announced = Announcement(Identity(worker, worker, "proxy-1"))
    link, keys = RedisLink(clock, settings), ClusterKeys(settings.prefix)
    presence = Presence(link, keys, lambda: announced, clock, seconds / 4, seconds)
    store.announce_by(presence.announce)
    presence.before_announcing = store.leases.flush
    presence.after_announcing = store.leases.renew
    presence.start()
    StandardIO(_Redeeming(store, worker, Limits(**json.loads(limits))))
    clock.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
