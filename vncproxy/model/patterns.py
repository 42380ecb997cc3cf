"""Patterns for the addresses of machines, such as ``kvm/web-*``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..text import has_control
from .address import VMAddress

ANY: Final = "*"
BELOW: Final = "**"
LONGEST: Final = 320
MOST: Final = 256

_CACHED: Final = 4096


@dataclass(frozen=True, slots=True)
class VMPattern:
    """A pattern for addresses: parts between slashes, of which the first is for the backend.

    ``*`` stands for any text without a slash, and ``**`` as the last part for everything below.
    All else stands for itself, capitals included. ``*`` alone is every machine.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> VMPattern:
        """Read a pattern.

        Raises:
            ValueError: it is none.
        """
        parts = text.split("/")
        if text == ANY:
            return cls(text)
        if len(parts) < 2 or not all(parts) or len(text) > LONGEST or has_control(text):
            raise ValueError('a pattern is "*" or written <backend>/<id>, for example kvm/web-*')
        if any(BELOW in part for part in (parts[:-1] if parts[-1] == BELOW else parts)):
            raise ValueError('"**" may only be the last part of a pattern, as in kvm/**')
        return cls(text)

    def accepts(self, vm: VMAddress, fixed: str) -> bool:
        """Tell whether a machine matches, whatever tenants call theirs.

        Args:
            fixed: the leading part of the machine's id that no tenant can choose: all of it, or
                something that ends with a slash, or nothing.
        """
        if self.text == ANY:
            return True
        if fixed == vm.vm:
            return _compiled(self.text).fullmatch(str(vm)) is not None
        return self._covers(f"{vm.backend}/{fixed}", str(vm))

    def _covers(self, fixed: str, address: str) -> bool:
        """Tell whether what follows a fixed part is left open by the pattern."""
        before, _, last = self.text.rpartition("/")
        if last not in (ANY, BELOW) or _compiled(self.text).fullmatch(address) is None:
            return False
        return before.count("/") < fixed.count("/")

    def covers(self, other: VMPattern) -> bool:
        """Tell whether every machine that matches another pattern matches this one, too."""
        if ANY in (self.text, other.text):
            return self.text == ANY
        before, _, last = other.text.rpartition("/")
        if last == BELOW:
            mine, _, open_end = self.text.rpartition("/")
            return open_end == BELOW and (
                _compiled(mine).fullmatch(_literal(before)) is not None
                or _compiled(self.text).fullmatch(_literal(before)) is not None
            )
        return _compiled(self.text).fullmatch(_literal(other.text)) is not None

    def touches(self, backend: str) -> bool:
        """Tell whether a backend can have machines that match."""
        first = self.text.partition("/")[0]
        return self.text == ANY or _compiled(first).fullmatch(backend) is not None


@dataclass(frozen=True, slots=True)
class VMPatterns:
    """Patterns of which one has to match."""

    patterns: tuple[VMPattern, ...]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> VMPatterns:
        """Read several patterns.

        Raises:
            ValueError: one is none, or there are too many.
        """
        if len(texts) > MOST:
            raise ValueError(f"at most {MOST} patterns are allowed")
        return cls(tuple(map(VMPattern.parse, texts)))

    @property
    def texts(self) -> tuple[str, ...]:
        """As they are written."""
        return tuple(pattern.text for pattern in self.patterns)

    @property
    def everything(self) -> bool:
        """Whether every machine matches."""
        return any(pattern.text == ANY for pattern in self.patterns)

    def accepts(self, vm: VMAddress, fixed: str) -> bool:
        """Tell whether a machine matches; see `VMPattern.accepts`."""
        return any(pattern.accepts(vm, fixed) for pattern in self.patterns)

    def covers(self, other: VMPatterns) -> bool:
        """Tell whether each of some patterns is covered by one of these."""
        return all(any(mine.covers(each) for mine in self.patterns) for each in other.patterns)

    def touches(self, backend: str) -> bool:
        """Tell whether a backend can have machines that match."""
        return any(pattern.touches(backend) for pattern in self.patterns)


NO_VMS: Final = VMPatterns(())
"""No machine."""

ALL_VMS: Final = VMPatterns((VMPattern(ANY),))
"""Every machine."""


def _literal(text: str) -> str:
    """Return a pattern as a text that only wildcards match where it has some."""
    return text.replace(ANY, "\0")


@lru_cache(_CACHED)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = pattern.split("/")
    below = len(parts) > 1 and parts[-1] == BELOW
    expression = "/".join(_part(part) for part in parts[: -1 if below else None])
    return re.compile(expression + ("/.+" if below else ""), re.DOTALL)


def _part(part: str) -> str:
    """Return the expression of one part; it takes linear time, as each piece is matched once."""
    first, *pieces = (re.escape(piece) for piece in part.split(ANY))
    if not pieces:
        return first
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[:-1] if piece)
    return f"{first}{middle}[^/]*{pieces[-1]}"
