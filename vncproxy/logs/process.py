"""The log of the process under ``twistd`` and ``twist``, which have observers of their own.

Both choose theirs before the configuration is known. ``twistd`` takes the name of a function that
makes another one, and ``twist`` a function. ``--syslog`` and ``--logger`` of ``twistd`` stay in
force; ``--log-format`` of ``twist`` does not.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from twisted.python.logfile import LogFile

from .lines import Format
from .observer import Level, LogObserver

_OF_TWISTD = f"{__name__}.make_for_twistd"
_DEFAULT = "twistd.log"


class ProcessLogging:
    """The format and level of the process's log; there is one process, and so one of it.

    Attributes:
        observer: once it writes the log; None where another one does.
    """

    def __init__(self) -> None:
        self.observer: LogObserver | None = None
        self._format: Format = "text"
        self._level: Level = "info"
        self._options: Mapping[str, Any] = {}
        self._in_reactor: Callable[[Callable[[], object]], object] = lambda call: call()

    def configure(self, format: Format, level: Level) -> None:  # noqa: A002
        """Use a format and a level from now on."""
        self._format, self._level = format, level
        if self.observer is not None:
            self.observer.configure(format, level)

    def take_over(
        self,
        options: MutableMapping[str, Any],
        in_reactor: Callable[[Callable[[], object]], object],
    ) -> None:
        """Let ``twistd`` or ``twist`` use our observer.

        Args:
            options: of the whole command line, before the log has begun.
            in_reactor: calls a function in the reactor's thread; it is used in a signal's handler.
        """
        self._options, self._in_reactor = options, in_reactor
        if "fileLogObserverFactory" in options:
            options["fileLogObserverFactory"] = self.make
        elif not (options.get("syslog") or options.get("logger") or self._is_refused(options)):
            options["logger"] = _OF_TWISTD

    def make(self, stream: Any) -> LogObserver:
        """Return the observer, which writes to a stream."""
        self.observer = LogObserver(stream, self._format, self._level)
        return self.observer

    def open_as_twistd(self) -> Any:
        """Return the stream that ``twistd`` would write to."""
        path, foreground = self._options.get("logfile"), self._options.get("nodaemon")
        if path == "-" or (foreground and not path):
            return sys.stdout
        file = LogFile.fromFullPath(path or _DEFAULT)
        if not signal.getsignal(signal.SIGUSR1):  # neither ignored nor handled
            signal.signal(signal.SIGUSR1, lambda *_: self._in_reactor(file.rotate))
        return file

    def _is_refused(self, options: Mapping[str, Any]) -> bool:
        """Return whether ``twistd`` itself is to say that a daemon has no standard output."""
        return options.get("logfile") == "-" and not options.get("nodaemon")


process_logging = ProcessLogging()
"""That of this process."""


def make_for_twistd() -> LogObserver:
    """Return the observer for ``twistd``, which finds this function by its name."""
    return process_logging.make(process_logging.open_as_twistd())
