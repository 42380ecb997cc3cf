"""What stands around the proxies: the fake servers, Redis, a certificate, a folder."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components.certificates import Authority
from tests.components.redis_server import RedisServer

from . import server
from .measure import set_policy

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Fake:
    """A fake VNC server: its process, and its ports without and with WebSocket frames."""

    process: Any
    raw: int
    framed: int


class World:
    """Started once for a whole run.

    Two fake servers, so that the typist's can be scheduled before that of the load.

    Attributes:
        fakes: by name of the machine, ``probe`` and ``load``.
        redis: the token store of the proxies.
        pinning: whether cores may be fixed.
        scheduling: whether the load gives way and the typist goes first.
    """

    def __init__(self, *, scheduling: bool = True, pinning: bool = True) -> None:
        self.pinning = pinning
        self.scheduling = scheduling and _may_schedule()
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.fakes = {
            "probe": _fake(os.SCHED_RR if self.scheduling else None),
            "load": _fake(os.SCHED_IDLE if self.scheduling else None),
        }
        self.redis = RedisServer().start()
        certificate, key = Authority(self.folder).issue("localhost")
        self.certificate, self.key = certificate, key

    def policy(self, name: str) -> int | None:
        """Return how the client of a machine is scheduled beside load."""
        if not self.scheduling:
            return None
        return os.SCHED_RR if name == "probe" else os.SCHED_IDLE

    def stop(self) -> None:
        """End all of it."""
        for fake in self.fakes.values():
            fake.process.kill()
            fake.process.join()
        self.redis.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def _fake(policy: int | None) -> Fake:
    raw, framed = server.listen(), server.listen()
    process = _fork.Process(target=_serve, args=(raw, framed, policy), daemon=True)
    process.start()
    ports = raw.getsockname()[1], framed.getsockname()[1]
    raw.close()
    framed.close()
    return Fake(process, *ports)


def _serve(raw: Any, framed: Any, policy: int | None) -> None:
    if policy is not None:
        set_policy(policy)
    server.serve(raw, framed)


def _may_schedule() -> bool:
    """Tell whether this user may use real-time scheduling."""
    before = os.sched_getscheduler(0)
    try:
        set_policy(os.SCHED_RR)
    except PermissionError:
        return False
    os.sched_setscheduler(0, before, os.sched_param(0))
    return True
