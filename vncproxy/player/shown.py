"""A recording that somebody may watch, and why one is not shown."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from ..errors import VNCProxyError
from .following import Following
from .sending import Part


class NotShown(VNCProxyError):
    """A recording, or a part of it, is not shown.

    Args:
        status: of HTTP.
        code: a fixed word, for the page.
        message: a sentence for the user, where the page has none of its own for the code.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}", public=message)
        self.http_status = status
        self.word = code


class BeingMade(Exception):
    """What the page plays is still being made of the recording.

    Args:
        progress: from 0 to 1.
    """

    def __init__(self, progress: float) -> None:
        super().__init__(f"{progress:.0%} are made")
        self.progress = progress


class IShown(Protocol):
    """One recording, for one user that may watch it."""

    def contents(self) -> Awaitable[Mapping[str, object]]:
        """Return what the page has to know, as `docs/recording.md` has it.

        Raises:
            BeingMade: it is not ready; ask again.
            NotShown: it never will be, such as that of a sealed recording.
        """

    def segment(self, number: int) -> Awaitable[Part]:
        """Return the entries from one key frame to the next.

        Raises:
            NotShown: there is no such segment.
        """

    def follow(self) -> Awaitable[Sequence[str]]:
        """Return the command line of a process that writes entries as they come.

        Raises:
            NotShown: it is not recorded any more, or cannot be followed.
        """

    def followed(self, following: Following) -> None:
        """Take note of the process, once it runs; it may be ended at any time."""

    def open_file(self) -> Awaitable[tuple[str, Part]]:
        """Return the recording itself, as far as it is written, with its name.

        Raises:
            NotShown: this user has no right to it.
        """
