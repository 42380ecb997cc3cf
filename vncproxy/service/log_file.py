"""The log file of ``twistd`` or ``twist``, reopened after logrotate has renamed it."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from twisted.python.logfile import LogFile

from ..errors import ConfigurationError


class ProcessLog:
    """The log file of this process; nothing to reopen for standard output and syslog.

    Args:
        options: of ``twistd`` (``logfile``) or ``twist`` (``logFile``).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        path = options.get("logfile") or _default(options)
        self._of_twistd = Path(path).absolute() if path and path != "-" else None
        found = options.get("logFile")
        self._of_twist: TextIO | None = found if _is_named(found) else None
        self._files: list[LogFile] = []

    def find_open_file(self) -> None:
        """Find the ``LogFile`` of ``twistd``, which only the garbage collector can name.

        Call it once, when the service starts and there are few objects.
        """
        if self._of_twistd is None:
            return
        self._files = [
            each
            for each in gc.get_objects()
            if type(each) is LogFile and Path(each.path).absolute() == self._of_twistd
        ]

    def check(self) -> None:
        """Check that the file can be opened.

        Raises:
            ConfigurationError: it cannot be opened for writing.
        """
        for path in self._paths():
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666))
            except OSError as e:
                raise ConfigurationError(f"the log {path} cannot be written: {e.strerror}") from e

    def reopen(self) -> None:
        """Write to the file that has the name now.

        Raises:
            OSError: it cannot be opened.
        """
        for file in self._files:
            file.reopen()
        if self._of_twist is not None:
            self._of_twist.flush()
            opened = os.open(self._of_twist.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            os.dup2(opened, self._of_twist.fileno(), inheritable=False)
            os.close(opened)

    def _paths(self) -> list[str]:
        paths = [file.path for file in self._files]
        return [*paths, self._of_twist.name] if self._of_twist is not None else paths


def _default(options: Mapping[str, Any]) -> str:
    """Return the log file that ``twistd`` uses without ``--logfile``."""
    return "" if options.get("nodaemon", True) else "twistd.log"


def _is_named(file: Any) -> bool:
    """Return whether a file was opened by its name, as standard output is not."""
    return isinstance(getattr(file, "name", None), str) and not str(file.name).startswith("<")
