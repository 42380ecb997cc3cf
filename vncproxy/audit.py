"""One JSON line for each refusal, opening and closing of a session: who, what, whence, how long.

It holds neither token nor password; ``token`` is a prefix of the token's SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from twisted.logger import Logger
from zope.interface import implementer

from .errors import ConfigurationError, TokenRefused, VNCProxyError
from .interfaces import ISessionObserver
from .model import SessionInfo, UnixTime

TOKEN_PREFIX = 12
"""Hexadecimal digits of a token's id that are enough to find it, and too few to use it."""


@implementer(ISessionObserver)
class AuditLog:
    """Writes the lines to a file, or into the ordinary log.

    Args:
        proxy: the name of this proxy, in every line.
        time: the wall clock.
        file: None for the ordinary log.
    """

    log = Logger()

    def __init__(
        self, proxy: str, time: Callable[[], UnixTime], file: TextIO | None = None
    ) -> None:
        self._proxy = proxy
        self._time = time
        self._file = file

    def write_to(self, file: TextIO | None) -> None:
        """Write to another file from now on, and close the one before."""
        before, self._file = self._file, file
        if before is not None:
            before.close()

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Write why a session never opened, with the detail that the user was not told."""
        known = {}
        if isinstance(error, TokenRefused) and error.vm:
            known = {"vm": error.vm, "user": error.user or None}
        self._write("refuse", session, **known, reason=error.code, detail=error.detail)

    def opened(self, session: SessionInfo) -> None:
        """Write that bytes flow."""
        self._write("open", session)

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Write what a session amounted to."""
        self._write(
            "close",
            session,
            reason=why.code,
            detail=why.detail,
            side=session.side or None,
            bytes_down=session.bytes_down,
            bytes_up=session.bytes_up,
        )

    def _write(self, event: str, session: SessionInfo, **more: object) -> None:
        now = datetime.fromtimestamp(self._time(), UTC)
        line = {
            "time": now.isoformat(timespec="milliseconds"),
            "event": event,
            "session": session.id,
            "proxy": self._proxy,
            "client": session.client,
            "type": session.type.value,
            "vm": str(session.vm) if session.vm else None,
            "user": session.user or None,
            "token": session.token_id[:TOKEN_PREFIX] or None,
            "host": session.host or None,
            "seconds": round(session.seconds, 3),
            **more,
        }
        text = json.dumps(line)  # ASCII: some readers end a line at more than a line feed
        if self._file is None:
            self.log.info("{audit}", audit=text)
        else:
            self._file.write(text + "\n")
            self._file.flush()


def open_audit_file(path: str) -> TextIO | None:
    """Open the file that lines are appended to; None for an empty path.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        return Path(path).open("a", encoding="utf-8") if path else None
    except OSError as e:
        raise ConfigurationError(f"[log] audit: {path} cannot be written: {e.strerror}") from e
