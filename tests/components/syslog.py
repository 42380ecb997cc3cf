"""A syslog daemon for programs in a mount namespace of their own."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

_REPLACE_DEV = """
mkdir {folder}/dev && mount --rbind /dev {folder}/dev && mount -t tmpfs tmpfs /dev &&
for name in null zero random urandom tty shm fd; do ln -s {folder}/dev/$name /dev/$name; done &&
ln -s {folder}/socket /dev/log && exec "$@"
"""


class Syslog(threading.Thread):
    """Receives what programs log that are started by `launcher`.

    Attributes:
        launcher: words of a command line before the program, which then finds this as ``/dev/log``.
        lines: what was logged, each with its priority: ``<30>May  1 00:00:00 twistd[1]: …``.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        folder.mkdir()
        self.lines: list[str] = []
        script = _REPLACE_DEV.format(folder=folder)
        self.launcher = ["unshare", "--mount", "sh", "-c", script, "sh"]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "socket"))

    def run(self) -> None:
        """Receive until `stop`; called by the thread."""
        while data := self._socket.recv(65536):
            self.lines.append(data.decode().rstrip("\0"))

    def stop(self) -> None:
        """Receive no more."""
        self._socket.shutdown(socket.SHUT_RD)
        self.join()
        self._socket.close()
