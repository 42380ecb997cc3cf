"""What must hold after each fault, and at the end."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from twisted.internet.threads import blockingCallFromThread

from vncproxy import errors
from vncproxy.errors import VNCProxyError

from .faults import Fault, no_session
from .user import Refusal, User
from .wire import Closed
from .world import World

ID = re.compile(r"\bid ([0-9a-f]{16})\b")
BALANCER = frozenset({502, 503, 504})
LEASE = 30.0
"""Seconds after which nothing counts any more that a killed process had: twice the lease."""

LATE = "late"
"""A time limit was reached, which a machine without time for all parts explains by itself."""

BUSY = "busy"

_LATE_DETAILS = ("in time", "too late", "not over within")
_USED = 4001
_SPARE = 12
"""Descriptors that a process may have open beyond those of its start, without sessions."""

_SENTENCES = {
    kind.code: kind.public
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, VNCProxyError)
}


class Verdict:
    """Collects what does not hold.

    Attributes:
        complaints: a sentence for each.
    """

    def __init__(self, world: World) -> None:
        self.complaints: list[str] = []
        self._world = world
        self._descriptors: dict[int, int] = {}
        self._seen_refusals = {user.name: 0 for user in world.users}

    def note_start(self) -> None:
        """Measure what is open before the first user comes."""
        pids = [each.pid for proxy in self._world.proxies for each in proxy.workers()]
        self._most_at_start = max(map(_descriptors, pids))

    def check_ends(self, fault: Fault, since: float) -> Counter[str]:
        """Check that only sessions of the harmed path ended; returns how many by which fault.

        Args:
            since: when the fault began, of the monotonic clock.
        """
        opened = self._opened()
        found: Counter[str] = Counter()
        for user in self._world.users:
            for at, end in user.ends:
                if at >= since:
                    session = _session_at(opened.get(user.name, []), at)
                    found[self._cause(session, fault, f"{user.name} ended by {end}")] += 1
            if user.over:
                self._complain(f"{fault.name}: {user.name} cannot come back: {user.over}")
        for page in self._world.browsers:
            if ends := page.new_ends():
                sessions = opened[page.name][-1 - ends :]
                causes = [self._why(line, fault) for line in sessions]
                if not any(causes):
                    self._complain(f"{fault.name}: the page of {page.name} lost its console")
        return found

    def _cause(self, session: dict[str, Any] | None, fault: Fault, what: str) -> str:
        """Return the fault that has ended a session; there has to be one."""
        why = self._why(session, fault) if session else ""
        if not why:
            known = session["session"] if session else "without an audit line"
            self._complain(f"{fault.name}: the session {known} of {what}")
        return why or "WRONG"

    def _why(self, session: dict[str, Any], fault: Fault) -> str:
        if fault.harms(session):
            return "its path"
        return self._world.retired.get(session["session"], "")

    def _opened(self) -> dict[str, list[dict[str, Any]]]:
        """Return the ``open`` lines of each user, the oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        lines = (line for line in self._world.audit() if line["event"] == "open")
        for line in sorted(lines, key=_time):
            found.setdefault(line["user"], []).append(line)
        return found

    def check_refusals(self, fault: Fault) -> Counter[str]:
        """Check that each refusal has a reason that the fault explains; returns their number."""
        lines = {line["session"]: line for line in self._world.audit()}
        found: Counter[str] = Counter()
        for refusal in self._new_refusals():
            reason = self._reason(refusal, lines)
            found[reason] += 1
            known = reason in fault.reasons or reason in (BUSY, "connection", LATE)
            if not known and not (
                reason == "balancer" and (fault.all_proxies or fault.harms is not no_session)
            ):
                self._complain(f"{fault.name}: {refusal.user} was refused by {reason}: {refusal}")
        return found

    def check_theft(self, users: list[User]) -> None:
        """Check that used links open nothing for somebody without their cookies."""
        for user in users:
            outcome = blockingCallFromThread(self._world.reactor, _steal, user)
            if outcome.code != _USED:
                self._complain(f"a stranger with the link of {user.name} got {outcome}")

    def check_leaks(self) -> None:
        """Check, when all users have left, that nothing of them is left."""
        try:
            self._world.wait(lambda: not self._live_sessions(), "sessions in Redis to go", LEASE)
        except AssertionError as e:
            self._complain(f"{e}, {self._live_sessions()}")
        for key in self._keys():
            if self._redis("ttl", key) == "-1":
                self._complain(f"the key {key} in Redis does not expire")
        for proxy in self._world.proxies:
            for worker in proxy.workers():
                count = _descriptors(worker.pid)
                if count > self._most_at_start + _SPARE:
                    self._complain(f"worker {worker.number} of {proxy.name} has {count} open files")

    def check_audit(self) -> None:
        """Check that each session that was opened has one end."""
        opened, closed = Counter[str](), Counter[str]()
        for line in self._world.audit():
            opened[line["session"]] += line["event"] == "open"
            closed[line["session"]] += line["event"] == "close"
        for session, count in opened.items():
            if (count, closed[session]) not in ((1, 1), (0, 0)):
                self._complain(f"session {session}: {count} open, {closed[session]} close")
        users = sum(user.opened for user in self._world.users)
        if sum(opened.values()) < users:
            self._complain(f"{users} consoles were opened, the audit has {opened.total()}")

    def _reason(self, refusal: Refusal, lines: dict[str, Any]) -> str:
        """Return the code of a refusal, checked against the sentence that the user read."""
        shown = ID.search(refusal.text)
        if shown is None and refusal.code in BALANCER:
            return BUSY if refusal.text.startswith(_SENTENCES[BUSY]) else "balancer"
        if shown is None:
            return "connection"
        line = lines.get(shown[1])
        if line is None:
            return f"no audit line {shown[1]}"
        reason = str(line["reason"])
        if any(words in line["detail"] for words in _LATE_DETAILS):
            reason = LATE
        told = _SENTENCES.get(line["reason"], "").split("{")[0].rstrip(".")
        if told and not refusal.text.startswith(told):
            self._complain(f"{refusal.user} read {refusal.text!r} for {reason}")
        return reason

    def _new_refusals(self) -> list[Refusal]:
        found = []
        for user in self._world.users:
            found += user.refusals[self._seen_refusals[user.name] :]
            self._seen_refusals[user.name] = len(user.refusals)
        return found

    def _live_sessions(self) -> list[str]:
        """Return what Redis has of sessions, but for those that a killed process had in a set.

        They do not count, and go with the set, or when its limit is reached.
        """
        keys = self._keys()
        workers = {key.rpartition(":")[2] for key in keys if ":worker:" in key}
        sets = {key: self._redis("smembers", key).split() for key in keys if ":live:" in key}
        counted = [key for key, names in sets.items() if workers & {n[:16] for n in names}]
        return [*counted, *(key for key in keys if ":sessions:" in key)]

    def _keys(self) -> list[str]:
        return self._redis("keys", "*").split()

    def _redis(self, *words: str) -> str:
        return redis_cli(self._world.redis.primary().port, *words)

    def _complain(self, text: str) -> None:
        if text not in self.complaints:
            self.complaints.append(text)
            print(f"    WRONG {text}", flush=True)


def _time(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


def _session_at(opened: list[dict[str, Any]], at: float) -> dict[str, Any] | None:
    """Return the session of a user that was open at a moment of the monotonic clock."""
    moment = at + time.time() - time.monotonic()
    return next((line for line in reversed(opened) if _time(line) <= moment), None)


def redis_cli(port: int, *words: str) -> str:
    """Run ``redis-cli`` and return what it prints."""
    import subprocess

    command = ["redis-cli", "-p", str(port), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


async def _attempt(user: User) -> Closed:
    stranger = User(
        user.reactor, user.port, user.name, "127.0.99.1", user.token, user.vm, user.random
    )
    try:
        return await stranger.open_once()
    except Closed as e:
        return e


def _steal(user: User) -> Any:
    from twisted.internet.defer import Deferred

    return Deferred.fromCoroutine(_attempt(user))


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
