"""``vncproxy demo``: from its arguments to its exit status."""

from __future__ import annotations

import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from pydantic import ValidationError
from twisted.internet.error import CannotListenError
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from ..backends.static.settings import StaticSettings
from ..errors import ConfigurationError
from ..service.monotonic import use_monotonic_clock
from .announcement import ListenAddress
from .demonstration import Demonstration, console_settings

CANNOT_LISTEN, BAD_ARGUMENT = 1, 2
"""Exit statuses."""

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_TRIES = 10
"""Free ports that are tried, since another program may take one before it is listened on."""


class CannotRun(ConfigurationError):
    """The demonstration cannot run; carries a sentence and the exit status."""

    def __init__(self, sentence: str, exit_status: int) -> None:
        super().__init__(sentence)
        self.exit_status = exit_status


def run(port: int = 6080, listen: str = "127.0.0.1", target: str = "") -> int:
    """Serve the demonstration until a signal ends it.

    Args:
        port: for browsers and TCP viewers alike; 0 takes a free one.
        listen: the address to listen on; empty for all IPv4 addresses.
        target: ``host:port[,password]`` of a VNC server to show instead of the test card.

    Returns:
        The exit status: 0 after a signal, 1 when it cannot listen, 2 when an argument is invalid;
        with 1 and 2, a sentence is printed to standard error.
    """
    _log_warnings()
    try:
        _serve(port, listen, target)
    except CannotRun as e:
        print(f"vncproxy demo: {e}", file=sys.stderr)
        return e.exit_status
    return 0


def _serve(port: int, listen: str, target: str) -> None:
    from twisted.internet import reactor

    use_monotonic_clock(reactor)
    with _short_directory() as directory:
        socket_path = Path(directory) / "testcard"
        console = _target(target) if target else console_settings(f"unix:{socket_path}")
        demonstration = _listening(port, listen, console, reactor)
        if not target:
            demonstration.show_testcard(socket_path)
        _run_reactor(demonstration, reactor)


def _listening(port: int, listen: str, console: StaticSettings, reactor: Any) -> Demonstration:
    """Return the demonstration, listening; tries another free port when one was taken meanwhile."""
    tries = 1 if port else _TRIES
    while True:
        tries -= 1
        address = _listen_address(port, listen)
        print_line = partial(print, flush=True)
        print_error = partial(print, "vncproxy demo:", file=sys.stderr, flush=True)
        demonstration = Demonstration(address, console, print_line, print_error, reactor)
        try:
            demonstration.listen()
        except SystemExit as e:
            if not tries:
                raise _cannot_listen(address.host, address.port, e.__cause__) from e
        else:
            return demonstration


def _short_directory() -> TemporaryDirectory[str]:
    """Return a private directory for a socket, whose path may have 107 bytes at most."""
    long = len(os.fsencode(gettempdir())) > 70
    return TemporaryDirectory(prefix="vncproxy-demo-", dir="/tmp" if long else None)  # noqa: S108


def _target(text: str) -> StaticSettings:
    address, _, password = text.partition(",")
    try:
        return console_settings(address, password)
    except ValidationError as e:
        raise CannotRun(
            f'--target {address} is not an address: it must be "host:port" or "[IPv6 '
            'address]:port", and ",password" behind it when the server asks for one',
            BAD_ARGUMENT,
        ) from e


def _listen_address(port: int, listen: str) -> ListenAddress:
    if not 0 <= port <= 65535:
        raise CannotRun(f"--port {port} is not a port: it must be 0 to 65535", BAD_ARGUMENT)
    try:
        return ListenAddress(listen, port or _free_port(listen))
    except OSError as e:
        raise _cannot_listen(listen, port, e) from e


def _free_port(address: str) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _cannot_listen(address: str, port: int, cause: BaseException | None) -> CannotRun:
    if isinstance(cause, CannotListenError):
        cause = cause.socketError
    reason = getattr(cause, "strerror", None) or cause
    sentence = f"cannot listen on port {port} of {address or 'this machine'}: {reason}"
    return CannotRun(f"{sentence}; --port and --listen choose another place", CANNOT_LISTEN)


def _log_warnings() -> None:
    """Send warnings and errors to standard error, and drop everything else."""
    quiet = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [quiet])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


def _run_reactor(demonstration: Demonstration, reactor: Any) -> None:
    """Run until a signal arrives; further signals are ignored."""
    reactor.addSystemEventTrigger("before", "shutdown", demonstration.stop)
    reactor.callWhenRunning(_stop_on_signals, reactor)
    reactor.callWhenRunning(demonstration.announce)
    reactor.run()


def _stop_on_signals(reactor: Any) -> None:
    """Stop on SIGHUP too: there is no configuration to reload."""

    def stop(number: int, frame: object) -> None:
        for caught in _ENDING:
            signal.signal(caught, signal.SIG_IGN)
        reactor.callFromThread(reactor.stop)

    for caught in _ENDING:
        signal.signal(caught, stop)
