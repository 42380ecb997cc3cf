"""What walks over messages: generators over counts of bytes.

A generator yields how many bytes it needs, and is sent them; a negative number passes over so many
bytes, and `FIND_FF` over all up to and including the next byte 0xFF; both are answered with an
empty value. `ServerPieces` runs them.
"""

from __future__ import annotations

from collections.abc import Generator

Walk = Generator[int, bytes, None]

FIND_FF = -(1 << 62)
"""Less than the length of any rectangle."""

EVEN_LONGER = -(1 << 61)
"""A number below is `FIND_FF`, one above is a length."""
