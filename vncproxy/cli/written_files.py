"""Files that a command writes, and replaces only if they have not been edited since.

The first line of such a file has a digest of the rest.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Final

from .failures import Misconfigured

_HEADER: Final = re.compile(r"# Written by `([^`]*)`, and replaced by it; sha256:([0-9a-f]{64})\n")


class WrittenFile:
    """A file of a command.

    Args:
        command: what writes it, for its first line.
    """

    def __init__(self, path: Path, command: str) -> None:
        self.path = path
        self._command = command

    def check(self) -> None:
        """Refuse a file that is not as a command has written it.

        Raises:
            Misconfigured: it was edited, or is another file.
        """
        if self.path.exists() and not self._is_untouched():
            raise Misconfigured(
                f"{self.path} was not written by this command, or was edited since; nothing is "
                "changed. Move it away, or replace it with --force (it is kept as "
                f"{self.path.name}.bak)"
            )

    def write(self, text: str, mode: int = 0o644) -> str:
        """Write the file; returns what was done.

        One that was edited is kept with the ending ``.bak``.
        """
        digest = hashlib.sha256(text.encode()).hexdigest()
        header = f"# Written by `{self._command}`, and replaced by it; sha256:{digest}\n"
        done = "written"
        if self.path.exists():
            done = "replaced"
            if self.path.read_text(encoding="utf-8") == header + text:
                return "as it was"
            if not self._is_untouched():
                backup = self.path.with_name(f"{self.path.name}.bak")
                self.path.replace(backup)
                done = f"replaced; what was there is {backup}"
        write_file(self.path, header + text, mode)
        return done

    def _is_untouched(self) -> bool:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return False
        found = _HEADER.match(text)
        rest = text[found.end() :] if found else ""
        return found is not None and hashlib.sha256(rest.encode()).hexdigest() == found[2]


def write_file(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, with a mode from the first byte on.

    Raises:
        Misconfigured: it cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o755)  # the service has a user of its own
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        new.chmod(mode)
        new.replace(path)
    except OSError as e:
        raise Misconfigured(f"{path} cannot be written: {e.strerror or e}") from e
