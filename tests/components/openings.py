"""Users who open consoles all the time, through two proxies, and what each of them gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from .gateway import Gateway
from .viewer import Refused, Viewer

THREADS = 10


@dataclass(frozen=True)
class Opening:
    """One console that was asked for.

    Attributes:
        at: when it was over, by the monotonic clock.
        refused: what the issuer or the user was told; empty where the console was shown.
        token: empty where there was none.
    """

    at: float
    refused: str = ""
    token: str = ""


class Openings:
    """Issues a token at one proxy and opens the console at the other one, again and again.

    Args:
        rate: openings a second in all.
    """

    def __init__(self, proxies: Sequence[Gateway], vm: str, rate: float) -> None:
        self.done: list[Opening] = []
        self._proxies = proxies
        self._vm = vm
        self._pause = THREADS / rate
        self._turns = count()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    def start(self) -> Openings:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End, and wait for the last ones."""
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def since(self, moment: float) -> list[Opening]:
        """Return those that were over after a moment."""
        return sorted((each for each in self.done if each.at > moment), key=lambda each: each.at)

    def recovered_at(self, moment: float, in_a_row: int = 20) -> float | None:
        """Return when consoles were opened again after a moment, without a further failure.

        Args:
            in_a_row: how many successes there must be; with fewer, None is returned.
        """
        good: list[Opening] = []
        for each in self.since(moment):
            good = [*good, each] if not each.refused else []
        return good[0].at if len(good) >= in_a_row else None

    def _run(self) -> None:
        while not self._ends.is_set():
            began = time.monotonic()
            self.done.append(self._open_one(next(self._turns)))
            self._ends.wait(max(0.0, self._pause - (time.monotonic() - began)))

    def _open_one(self, turn: int) -> Opening:
        issuer, server = self._proxies[turn % 2], self._proxies[(turn + 1) % 2]
        token = {"vm": self._vm, "user": "alice", "type": "xvpvnc"}
        try:
            status, issued = issuer.call("POST", "/v1/tokens", token)
            if status != 201:
                return Opening(time.monotonic(), f"{status} {issued}")
            Viewer.connect(server.xvp_port, issued["token"]).close()
        except Refused as e:
            return Opening(time.monotonic(), str(e), issued["token"])
        except (OSError, EOFError, AssertionError) as e:
            return Opening(time.monotonic(), f"{type(e).__name__}: {e}")
        return Opening(time.monotonic(), "", issued["token"])
