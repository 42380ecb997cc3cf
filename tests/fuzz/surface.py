"""The whole proxy in memory, and what no bytes may do to it."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from twisted.internet import _producer_helpers
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer

from tests.fuzz.grammar import Grammar
from vncproxy.blocking import BoundedCalls
from vncproxy.config.load import Settings
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Limits,
    Policy,
    Token,
    Transport,
    VMAddress,
    secret_id,
)
from vncproxy.service.components import Components
from vncproxy.tap import make_service
from vncproxy.testing import MemoryPeer, StaticConsoles
from vncproxy.text import has_control
from vncproxy.tokens.memory import MemoryTokenStore

LISTENERS = {
    "web": "tcp:6080",
    "web behind a balancer": "haproxy:tcp:6083",
    "xvp": "tcp:6081",
    "api": "tcp:6082",
    "api behind a balancer": "haproxy:tcp:6084",
}
SHARES = (30, 20, 15, 25, 10)

BATCH = 40
"""Cases whose connections are open side by side."""

WAITS = (0.0, 1.0, 4.0, 6.0, 6.0, 30.0, 31.0, 60.0)
"""Seconds that pass after a batch; then every connection must be over."""

LONGEST_ANSWER = 150_000
"""Bytes for one request; the page's largest file has 125,000."""

LONGEST_LINE = 2500
"""Characters of one line of log; those of audit quote no more than a page's origin."""

MOST_LINES = 4
"""Lines of log for one request: two of them are warnings that come once a minute."""

MOST_TIME = 0.3
"""Seconds of processor time for one case, in two runs of it: a case takes less than 1 ms."""

API_KEY = "fuzz-" + "k" * 40


class Fault(Exception):
    """A case's violation, with what repeats it."""


@implementer(ILogObserver)
class Surface:
    """A proxy with one console, which does not answer, and one token that is always good.

    Args:
        seed: of all cases.
    """

    listeners = LISTENERS
    shares: Sequence[int] = SHARES
    waits: Sequence[float] = WAITS

    def __init__(self, seed: int) -> None:
        clock: Any = MemoryReactorClock()
        self.reactor = clock
        self.reactor.advance(1000)
        store = MemoryTokenStore(self._now, 600, self.reactor.seconds)
        console = ConsoleEndpoint(Transport.TCP, host="192.0.2.10", port=5900)
        kvm = StaticConsoles({"web-01": console})
        components = Components(store, {"kvm": kvm}, BoundedCalls(clock, clock))
        self._gateway = make_service(self._settings(), self.reactor, components)
        self._gateway.privilegedStartService()
        self._gateway.startService()
        self.factories: dict[str, Any] = dict(
            zip(self.listeners, [server[1] for server in self.reactor.tcpServers], strict=True)
        )
        policy = Policy(uses=0)
        token = Token(VMAddress("kvm", "web-01"), "alice", ConsoleType.NOVNC, policy, 0, 1e12)
        issued: list[str] = []
        Deferred.fromCoroutine(store.issue(token)).addCallback(issued.append)
        words = {"token": issued[0], "resume": secret_id(issued[0])[:12], "key": API_KEY}
        self._grammar = Grammar(Random(seed), words)
        self._random = Random(seed)
        self._secrets = (issued[0], API_KEY)
        self._lines = 0
        self._noted: list[str] = []
        self.cases = 0

    def run(self, cases: int) -> None:
        """Run so many cases.

        Raises:
            Fault: one of them did what it may not.
        """
        with self._watched():
            while self.cases < cases:
                self._batch()
                if self.cases % (BATCH * 100) == 0:
                    gc.collect()

    def _case(self, balanced: bool) -> list[bytes]:
        """Return the bytes of one connection."""
        return self._grammar.case(balanced)

    def _settings(self) -> Settings:
        """Return the settings of the proxy."""
        web, proxied, xvp, api, proxied_api = LISTENERS.values()
        return settings_for({"web": [web, proxied], "xvp": [xvp], "api": [api, proxied_api]})

    def _now(self) -> float:
        return 1_767_323_045.0 + float(self.reactor.seconds())

    def _batch(self) -> None:
        open_cases = []
        for _ in range(BATCH):
            name = self._random.choices(list(self.listeners), self.shares)[0]
            pieces = self._case("balancer" in name)
            peer = self._run_case(name, pieces)
            open_cases.append((name, pieces, peer, len(peer.receive())))
            self.cases += 1
        self.reactor.tcpClients.clear()
        for wait in self.waits:
            self.reactor.advance(wait)
            for index, (name, pieces, peer, received) in enumerate(open_cases):
                received += len(peer.receive())
                open_cases[index] = (name, pieces, peer, received)
        for name, pieces, peer, received in open_cases:
            self._judge(name, pieces, peer, received)

    def _run_case(self, name: str, pieces: list[bytes]) -> MemoryPeer:
        spent, self._lines = float("inf"), 0
        for _ in range(2):
            peer = self._connect(name)
            started = time.process_time()
            try:
                self._send(peer, pieces)
            except Exception as e:
                raise self._fault(name, pieces, f"raised {e!r}") from e
            spent = min(spent, time.process_time() - started)
            if spent < MOST_TIME:
                break
        else:
            raise self._fault(name, pieces, f"took {spent:.2f} s")
        if self._noted:
            raise self._fault(name, pieces, self._noted[0])
        if self._lines > MOST_LINES * _requests(pieces):
            raise self._fault(name, pieces, f"wrote {self._lines} lines of log")
        return peer

    def _connect(self, name: str) -> MemoryPeer:
        return MemoryPeer(self.factories[name].buildProtocol(None))

    def _send(self, peer: MemoryPeer, pieces: list[bytes]) -> None:
        peer.send(*pieces)

    def _judge(self, name: str, pieces: list[bytes], peer: MemoryPeer, received: int) -> None:
        requests = _requests(pieces)
        if self._noted:
            raise self._fault(name, pieces, f"{self._noted[0]} (this case or one beside it)")
        if received > requests * LONGEST_ANSWER:
            raise self._fault(name, pieces, f"answered {received} bytes to {requests} requests")
        if peer.closed is None:
            raise self._fault(name, pieces, f"still open after {sum(self.waits):g} s")

    def _fault(self, name: str, pieces: list[bytes], what: str) -> Fault:
        return Fault(f"case {self.cases} at {name}: {what}\n{pieces!r}")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Check every line of the log, and let files be sent by the clock in memory."""
        turns = Cooperator(scheduler=lambda step: self.reactor.callLater(0, step))
        helpers: Any = _producer_helpers
        before, helpers.cooperate = helpers.cooperate, turns.cooperate
        globalLogPublisher.addObserver(self)
        try:
            yield
        finally:
            globalLogPublisher.removeObserver(self)
            helpers.cooperate = before

    def __call__(self, event: LogEvent) -> None:
        """Check a line of the log."""
        self._lines += 1
        line = formatEvent(event)
        if "log_failure" in event or event.get("log_level") in (LogLevel.error, LogLevel.critical):
            failure = event.get("log_failure")
            trace = failure.getTraceback() if failure else ""
            self._noted.append(f"failed: {line}\n{trace}")
        elif any(secret in line for secret in self._secrets):
            self._noted.append(f"logged a secret: {line!r}")
        elif has_control(line) or len(line) > LONGEST_LINE:
            self._noted.append(f"logged {len(line)} characters: {line[:3000]!r}")


def _requests(pieces: list[bytes]) -> int:
    """Return how many requests there are at most."""
    return max(1, b"".join(pieces).count(b"HTTP/1."))


def settings_for(listen: Mapping[str, Sequence[str]]) -> Settings:
    """Return the settings of a proxy with an API key and these listeners."""
    key = {
        "hash": f"sha256:{hashlib.sha256(API_KEY.encode()).hexdigest()}",
        "scopes": ["issue", "read", "admin"],
    }
    settings = Settings.model_validate(
        {
            "listen": {"web": [], "xvp": [], "api": [], **listen},
            "public": {"trusted_proxies": ["192.0.2.0/24"]},
            "api": {"keys": {"fuzz": key}},
        }
    )
    # what strangers are refused most often must not hide everything else
    limits = Limits(refusals=10**9, sessions_per_vm=1000, sessions_per_address=1000)
    return settings.model_copy(update={"limits": limits})
