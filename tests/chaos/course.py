"""One fault after another, and what is checked after each."""

from __future__ import annotations

import time
from collections.abc import Sequence

from twisted.internet.threads import blockingCallFromThread

from .faults import Fault, Make, injected
from .verdict import Verdict
from .world import World

SOON = 5.0
"""Seconds after healing within which every page is to be back."""

LIMIT = 60.0
"""Seconds that a machine without time for it may need."""


class Course:
    """Runs faults in a world that has started; blocks, so it needs a thread of its own.

    Attributes:
        back: seconds from each healing until every page was back.
    """

    def __init__(self, world: World) -> None:
        self.back: list[float] = []
        self._world = world
        self.verdict = Verdict(world)

    def begin(self, browsers: int = 0) -> None:
        """Let all users come, some real browsers among them."""
        self.verdict.note_start()
        for user in self._world.users:
            self._in_reactor(user.start)
        self._wait_for_all(time.monotonic(), "the first time")
        self._world.open_browsers(browsers)

    def run(self, makes: Sequence[Make], lasts: float) -> None:
        """Inject some faults at a time, heal them, and check.

        Args:
            lasts: seconds that they last.
        """
        world, began = self._world, time.monotonic()
        with injected(makes[0], world) as fault:
            if len(makes) > 1:
                with injected(makes[1], world) as second:
                    fault = _both(fault, second)
                    time.sleep(lasts)
            else:
                time.sleep(lasts)
        fault.afterwards()
        healed = time.monotonic()
        for user in world.users:
            self._in_reactor(user.type_now)
        back = self._wait_for_all(healed, fault.name)
        world.wait(lambda: all(each.serves() for each in world.proxies), "proxies to serve", LIMIT)
        world.wait(world.redis.complete, "the sentinels to see all servers", LIMIT)
        ended = self.verdict.check_ends(fault, began)
        refused = self.verdict.check_refusals(fault)
        self.verdict.check_theft(world.random.sample(world.browsing, 2))
        self.back.append(back)
        late = " LATE" if back > SOON else ""
        print(
            f"{fault.name}: lasted {healed - began:.1f} s, ended: {dict(ended)}, "
            f"all back after {back:.1f} s{late}; refused: {dict(refused)}",
            flush=True,
        )

    def finish(self) -> list[str]:
        """Let all users leave, stop the proxies, and check what is left; returns the complaints."""
        for user in self._world.users:
            self._in_reactor(user.stop)
        for page in self._world.browsers:
            page.leave()
        self.verdict.check_leaks()
        for proxy in self._world.proxies:
            proxy.gateway.terminate()
        self.verdict.check_audit()
        return self.verdict.complaints

    def _wait_for_all(self, since: float, what: str) -> float:
        """Wait until every user has seen an answer since a moment; returns the seconds."""
        try:
            back = self._world.wait(lambda: not self._world.away(since), what, LIMIT)
            for page in self._world.browsers:
                page.wait_until_connected()
            return max(back, time.monotonic() - since if self._world.browsers else 0.0)
        except AssertionError as e:
            self.verdict.complaints.append(f"{what}: {e}")
            for user in self._world.away(since):
                last = user.refusals[-1:] or user.ends[-1:]
                self.verdict.complaints.append(f"{what}: {user.name} is not back: {last}")
            return LIMIT

    def _in_reactor(self, call: object) -> None:
        blockingCallFromThread(self._world.reactor, call)  # type: ignore[arg-type]


def _both(first: Fault, second: Fault) -> Fault:
    return Fault(
        f"{first.name} and {second.name}",
        lambda line: first.harms(line) or second.harms(line),
        first.reasons | second.reasons,
        first.all_proxies or second.all_proxies,
        second.afterwards,
    )
