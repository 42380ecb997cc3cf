"""What a recording is of, and how it ended, from its first bytes and its last ones."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from ..recording.chunks import HASH_SIZE, HEAD, MAGIC, Damaged, Kind
from ..recording.reading import RecordingReader, load_object
from ..recording.writing import About
from .library import CannotRead, Description, Entry, State

_TAIL: Final = 4096
"""Bytes that an end and the hash before it fit into."""

_LONGEST_ABOUT: Final = 1 << 20
"""Bytes of a first chunk; a security limit."""

_FRAME: Final = HEAD.size + HASH_SIZE


@dataclass(frozen=True, slots=True)
class End:
    """The last chunk of a recording.

    Attributes:
        seconds: None where it is sealed.
    """

    reason: str = ""
    seconds: float | None = None


def describe_file(file: BinaryIO, entry: Entry, writing: bool) -> Description:
    """Return what a recording is of.

    Args:
        writing: whether a process writes it.

    Raises:
        CannotRead: it is no recording.
    """
    about = read_about(file)
    end = read_end(file)
    state = State.ENDED if end else State.RECORDING if writing else State.CUT
    seconds = None if end is None else end.seconds
    if seconds is None:
        seconds = max(0.0, entry.changed_at - about.started_at)
    return Description(about, state, end.reason if end else "", seconds, entry.index_size > 0)


def read_about(file: BinaryIO) -> About:
    """Return what a recording is of.

    Raises:
        CannotRead: it is no recording, or nothing of it was written.
    """
    file.seek(0)
    first = file.read(len(MAGIC) + HEAD.size)
    size = HEAD.unpack_from(first, len(MAGIC))[0] if len(first) == len(MAGIC) + HEAD.size else 0
    if size > _LONGEST_ABOUT:
        raise CannotRead(f"its first chunk has {size} bytes")
    reader = RecordingReader(BytesIO(first + file.read(size + HASH_SIZE)))
    try:
        next(reader.read_chunks())
    except (Damaged, StopIteration) as e:
        raise CannotRead(str(e)) from e
    assert reader.about is not None
    return reader.about


def read_end(file: BinaryIO) -> End | None:
    """Return the end of a recording; None where it has none.

    The bytes before it may be anything, also what looks like an end. The hash tells: it is of the
    32 bytes before a chunk as well.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    for at in range(len(tail) - _FRAME, HASH_SIZE - 1, -1):
        length, kind, sealed = HEAD.unpack_from(tail, at)
        if kind == Kind.END and at + _FRAME + length == len(tail) and _is_whole(tail, at):
            return End() if sealed else _parsed(tail[at + HEAD.size : -HASH_SIZE])
    return None


def _is_whole(tail: bytes, at: int) -> bool:
    return hashlib.sha256(tail[at - HASH_SIZE : -HASH_SIZE]).digest() == tail[-HASH_SIZE:]


def _parsed(body: bytes) -> End | None:
    try:
        members = load_object(body)
        return End(str(members["reason"]), int(members["moment"]) / 1e6)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
