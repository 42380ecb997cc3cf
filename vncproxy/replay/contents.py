"""The table of contents of a playable copy, and the file that has both."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..recording.writing import About

SUFFIX: Final = ".vncrx"

VERSION: Final = 1

MAGIC: Final = b"\x89VNCX\r\n\x01"
"""The first bytes of a file, and its last ones; the last of them is its version."""

TAIL: Final = struct.Struct(f">I{len(MAGIC)}s")
"""Bytes of the table of contents, which stands before."""

_TOLD: Final = ("session", "vm", "user", "client", "type", "proxy", "started_at", "keys")

LARGEST_TABLE: Final = 64 << 20
"""Bytes of a table of contents; a security limit."""


class CannotMake(Exception):
    """There is no playable copy of a recording; the message says why."""


class NoCopy(ValueError):
    """A file that is no whole playable copy of the version that is known here."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a recording that can be played alone.

    Attributes:
        at: the moment of its key frame, in microseconds.
        offset: bytes of the file before it.
        size: its bytes.
        end: the moment of its last entry, in microseconds.
    """

    at: int
    offset: int
    size: int
    end: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a playable copy has.

    Attributes:
        session: the session's id.
        width: of the first screen, in pixels; likewise the height.
        name: of the desktop at first.
        seconds: from the beginning to the last event, or to the end that was recorded.
        ended: whether the recording has its end; one that was cut off has none.
        reason: the code of the session's end; empty where it is not known.
        trouble: why nothing behind the last segment can be played; empty where all can.
        segments: in the order of their moments.
        idle: times, in microseconds, in which next to nothing changed and the user did nothing.
        sizes: moments, in microseconds, with the width and height of the screen from then on.
        recorded: bytes of the recording of which this is the copy.
        hash: of the whole recording, in hexadecimal digits, as the audit has it; empty where its
            chain of hashes is not intact, and in copies of older proxies.
        about: what the recording says that it is of; empty in copies of older proxies.
    """

    session: str
    width: int
    height: int
    name: str
    seconds: float
    ended: bool
    reason: str
    trouble: str
    segments: tuple[Segment, ...]
    idle: tuple[tuple[int, int], ...]
    sizes: tuple[tuple[int, int, int], ...]
    recorded: int
    hash: str = ""
    about: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the members of the JSON object."""
        return {"v": VERSION, **asdict(self)}

    def pack(self) -> bytes:
        """Return what stands behind the last segment."""
        data = json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":")).encode()
        return data + TAIL.pack(len(data), MAGIC)


def told(about: About) -> dict[str, object]:
    """Return what a recording is of: the members that a page or a card shows."""
    return {name: getattr(about, name) for name in _TOLD}


def copy_of(recording: Path) -> Path:
    """Return where the playable copy of a recording is, whether it exists or not."""
    return recording.with_suffix(SUFFIX)


def contents(path: Path) -> Contents:
    """Return the table of contents of a file.

    Args:
        path: of a playable copy.

    Raises:
        NoCopy: it is none, or of another version.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return read_contents(file)


def read_segment(path: Path, number: int) -> bytes:
    """Return the bytes of a segment, from 0.

    Raises:
        NoCopy: the file is no playable copy.
        IndexError: there is no such segment.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return segment_of(file, read_contents(file), number)


def read_contents(file: BinaryIO) -> Contents:
    """Return the table of contents of an open file, as `contents` does."""
    if file.read(len(MAGIC)) != MAGIC:
        raise NoCopy("this is no playable copy, or one of another version")
    end = file.seek(0, os.SEEK_END)
    start = max(len(MAGIC), end - TAIL.size)
    file.seek(start)
    tail = file.read(TAIL.size)
    if len(tail) != TAIL.size:
        raise NoCopy("it was cut off")
    size, magic = TAIL.unpack(tail)
    if magic != MAGIC or size > min(LARGEST_TABLE, start - len(MAGIC)):
        raise NoCopy("it was cut off")
    file.seek(start - size)
    return _unpack(file.read(size))


def segment_of(file: BinaryIO, table: Contents, number: int) -> bytes:
    """Return the bytes of a segment of an open file, as `read_segment` does."""
    if not 0 <= number < len(table.segments):
        raise IndexError(f"there are {len(table.segments)} segments, and no number {number}")
    segment = table.segments[number]
    file.seek(segment.offset)
    data = file.read(segment.size)
    if len(data) != segment.size:
        raise NoCopy(f"{len(data)} bytes of a segment, expected {segment.size}")
    return data


def _unpack(data: bytes) -> Contents:
    try:
        members = json.loads(data)
        if members.pop("v") != VERSION:
            raise NoCopy("it is of another version")
        members["segments"] = tuple(Segment(**each) for each in members["segments"])
        members["idle"] = tuple((start, end) for start, end in members["idle"])
        members["sizes"] = tuple((at, width, height) for at, width, height in members["sizes"])
        known = {each.name for each in fields(Contents)}
        return Contents(**{name: value for name, value in members.items() if name in known})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise NoCopy(f"its table of contents cannot be read: {e}") from e
