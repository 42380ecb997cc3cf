"""The process of a worker: the proxy as in a single process, on the supervisor's sockets.

    python -m vncproxy.supervisor.worker --worker=2 --generation=1 --config FILE

Only a supervisor can start it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.application.reactors import installReactor
from twisted.logger import globalLogBeginner

from .channel import Channel, open_channel, send_blocking
from .inherited import Inherited, InheritedListeners
from .log_events import EventPipe

CONFIGURATION_ERROR = 2


def main(arguments: list[str]) -> None:
    """Run the worker until it is told to end, or its supervisor is gone."""
    faulthandler.enable()  # SIGABRT, from the supervisor, shows where a worker hangs
    for number in (
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGUSR2,
    ):  # of the terminal: not for workers
        signal.signal(number, signal.SIG_IGN)
    inherited = Inherited.from_environment(os.environ)
    _name_process(f"vncproxy-{inherited.worker}")
    reactor = _install(next(a for a in arguments if a.startswith("--reactor=")))
    events = EventPipe(inherited.log, reactor)
    globalLogBeginner.beginLoggingTo([events])
    _run(reactor, inherited, arguments)
    events.flush()


def _install(argument: str) -> Any:
    installReactor(argument.partition("=")[2])
    from twisted.internet import reactor

    return reactor


def _run(reactor: Any, inherited: Inherited, arguments: list[str]) -> None:
    # these import the reactor, which has to be installed before
    from ..errors import ConfigurationError
    from ..tap import WorkerOptions
    from .orders import Orders

    options = WorkerOptions(inherited.read_configuration())
    try:
        options.parseOptions(arguments)
        orders = Orders(options, InheritedListeners(inherited.listeners), reactor)
    except ConfigurationError as e:
        send_blocking(inherited.control, **{"is": "failed", "errors": e.detail.splitlines()})
        raise SystemExit(CONFIGURATION_ERROR) from None
    orders.channel = open_channel(Channel(orders.obey, orders.end), inherited.control, reactor)
    reactor.callWhenRunning(orders.report_ready)
    reactor.run()


def _name_process(name: str) -> None:
    """Set what ``top`` and ``ps -o comm`` show."""
    try:
        Path("/proc/self/comm").write_text(name)
    except OSError:  # not Linux
        return


if __name__ == "__main__":
    main(sys.argv[1:])
