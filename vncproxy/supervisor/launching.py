"""The command, the environment and the descriptors of a worker's process."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.application.reactors import getReactorTypes
from twisted.internet.interfaces import IProcessProtocol

from .inherited import GENERATION, PROXY_ID, VARIABLE, WORKER
from .sockets import ListeningSockets

MODULE = "vncproxy.supervisor.worker"

LOG, CONTROL, CONFIGURATION, FIRST_LISTENER = 3, 4, 5, 6
"""Descriptors in the worker; 1 and 2 are read by the supervisor, too."""

_OF_THE_SUPERVISOR = ("NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")
"""Variables of systemd for the main process."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts the processes of workers.

    Attributes:
        proxy_id: of the proxy.
        arguments: the command line after the name of the program.
        sockets: the listening sockets that workers inherit.
        more: further variables.
    """

    proxy_id: str
    arguments: Sequence[str]
    sockets: ListeningSockets
    reactor: Any
    more: Mapping[str, str]

    def start(
        self, protocol: IProcessProtocol, worker: int, generation: int, configuration: bytes
    ) -> tuple[Any, int]:
        """Start a process; returns its transport, and the supervisor's end of the channel."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        listeners = self.sockets.descriptors()
        text, nothing = _in_memory(configuration), os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        children: dict[int, Any] = {0: nothing, 1: "r", 2: "r", LOG: "r"}
        children |= {CONTROL: theirs.fileno(), CONFIGURATION: text}
        children |= {FIRST_LISTENER + i: number for i, (_, number) in enumerate(listeners)}
        inherited = {"control": CONTROL, "log": LOG, "configuration": CONFIGURATION}
        names = [(name, FIRST_LISTENER + i) for i, (name, _) in enumerate(listeners)]
        environment = self._environment(worker, generation)
        environment[VARIABLE] = json.dumps({**inherited, "listeners": names})
        command = [sys.executable, "-P", "-m", MODULE, *self._named(worker, generation)]
        try:
            transport = self.reactor.spawnProcess(
                protocol, sys.executable, command, environment, childFDs=children
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(text)
            os.close(nothing)
        return transport, ours.detach()

    def _named(self, worker: int, generation: int) -> list[str]:
        """Return the arguments; those that ``ps`` should show come first."""
        named = [f"--worker={worker}", f"--generation={generation}"]
        return [*named, f"--reactor={_name_of(self.reactor)}", *self.arguments]

    def _environment(self, worker: int, generation: int) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OF_THE_SUPERVISOR)}
        identity = {PROXY_ID: self.proxy_id, WORKER: str(worker), GENERATION: str(generation)}
        return {**kept, **self.more, **identity}


def _in_memory(text: bytes) -> int:
    """Return the descriptor of a file in memory, which no other user can open."""
    descriptor = os.memfd_create("configuration")
    os.write(descriptor, text)
    return descriptor


def _name_of(reactor: Any) -> str:
    """Return the short name of a reactor, for another process; ``default`` if it has none."""
    module = type(reactor).__module__
    types: list[Any] = list(getReactorTypes())
    names = [str(each.shortName) for each in types if each.moduleName == module]
    return names[0] if names else "default"
