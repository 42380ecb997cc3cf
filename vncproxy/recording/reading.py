"""The bytes of a file in, events out; what is wrong with a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, BinaryIO, Final

from .chunks import Chunk, ChunkReader, Damaged, Kind
from .events import Event, MalformedEvents, unpack_events
from .sealing import Seal
from .writing import STOPPED, About

_READ_SIZE: Final = 1 << 16

_LATEST: Final = 253402300800
"""Seconds from 1970 to the year 10000."""

OpenSeal = Callable[[str], Seal]
"""Returns the seal of a file by its sealed key, or raises `CannotOpen`."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a recording ended.

    Attributes:
        reason: the code of the session's end.
        moment: in microseconds since the beginning.
    """

    reason: str
    moment: int


class RecordingReader:
    """Reads a file from its beginning to its end.

    Args:
        file: open for reading bytes.
        open_seal: of a sealed file; without it, such a file can be verified and not read.

    Attributes:
        about: what it is of; None until it was read.
        is_ended: whether its end was read; never of one that was cut off.
        ending: how it ended; None before it was read, and where it is sealed and no key was given.
            Its reason is `STOPPED` where the session went on without being recorded.
        hash: of what was read, in hexadecimal digits.
        chunks: how many were read.
        cut: bytes at the end of a chunk that is not whole.
    """

    def __init__(self, file: BinaryIO, open_seal: OpenSeal | None = None) -> None:
        self.about: About | None = None
        self.is_ended = False
        self.ending: Ending | None = None
        self.hash = ""
        self.chunks = 0
        self.cut = 0
        self._file = file
        self._read = self._moment = 0
        self._open_seal = open_seal
        self._seal: Seal | None = None
        self._reader = ChunkReader()

    def events(self) -> Iterator[Event]:
        """Yield the events; those of a file that was cut off, up to there.

        No moment is before the one of the event before it, whatever the file says.

        Raises:
            Damaged: the file was changed, or is no recording.
            CannotOpen: it is sealed for another key.
        """
        for chunk in self.read_chunks():
            if chunk.kind is Kind.EVENTS:
                try:
                    for event in unpack_events(self._open(chunk)):
                        self._moment = max(self._moment, event.moment)
                        yield event._replace(moment=self._moment)
                except MalformedEvents as e:
                    raise Damaged(chunk.number, str(e)) from e

    @property
    def is_open(self) -> bool:
        """Whether it is not sealed, or a key was given that opens it."""
        return self._seal is not None or (self.about is not None and not self.about.sealed_key)

    def read_again(self) -> None:
        """Read a chunk at the end of the file that was not whole again, the next time.

        It may have become whole, or its writer have put another one in its place.
        """
        self._file.seek(-self._reader.forget(), os.SEEK_CUR)

    def read_rest(self) -> None:
        """Verify what is left, without its events.

        Raises:
            Damaged: the file was changed.
        """
        for _ in self.read_chunks():
            pass

    def take_read(self) -> int:
        """Return how many bytes were read since the last call."""
        read, self._read = self._read, 0
        return read

    def read_chunks(self) -> Iterator[Chunk]:
        """Yield the chunks, each once its hash was verified.

        Raises:
            Damaged: the file was changed, or is no recording.
        """
        data = b""  # a former call may have left chunks
        while True:
            for chunk in self._reader.receive(data):
                self._note(chunk)
                yield chunk
            if not (data := self._file.read(_READ_SIZE)):
                break
            self._read += len(data)
        self.cut = self._reader.held
        if self.about is None:
            raise Damaged(0, "this is no recording, or nothing of it was written")

    def _note(self, chunk: Chunk) -> None:
        self.hash, self.chunks = chunk.hash.hex(), chunk.number + 1
        if self.is_ended or (chunk.number == 0) != (chunk.kind is Kind.ABOUT):
            raise Damaged(chunk.number, "it stands in a place where none of its kind can be")
        if chunk.kind is Kind.ABOUT:
            self.about = _about(chunk)
            if self.about.sealed_key and self._open_seal is not None:
                self._seal = self._open_seal(self.about.sealed_key)
        elif chunk.kind is Kind.END:
            self.is_ended = True
            if not chunk.is_sealed or self._seal is not None:
                self.ending = _ending(chunk, _members(chunk, self._open(chunk)))
                self._check_sealed(chunk, self.ending.reason == STOPPED)
        else:
            self._check_sealed(chunk)

    def _check_sealed(self, chunk: Chunk, may_be_plain: bool = False) -> None:
        if self.about and self.about.sealed_key and not chunk.is_sealed and not may_be_plain:
            raise Damaged(chunk.number, "it is not sealed, and the recording is")

    def _open(self, chunk: Chunk) -> bytes:
        if not chunk.is_sealed:
            return chunk.body
        if self._seal is None:
            raise Damaged(chunk.number, "it is sealed, and no key was given")
        return self._seal.open(chunk.number, chunk.head, chunk.body)


def _members(chunk: Chunk, body: bytes) -> dict[str, Any]:
    try:
        return load_object(body)
    except (ValueError, TypeError, RecursionError) as e:
        raise Damaged(chunk.number, f"its JSON cannot be read: {e}") from e


def load_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object whose strings can be written in UTF-8, as not all that JSON has can.

    Raises:
        ValueError, TypeError, RecursionError: it is none.
    """
    members = json.loads(data)
    if not isinstance(members, dict):
        raise TypeError("no object")
    json.dumps(members, ensure_ascii=False).encode()
    return members


def _about(chunk: Chunk) -> About:
    members = _members(chunk, chunk.body)
    known = {each.name for each in fields(About)}
    try:
        if members["v"] != 1:
            raise Damaged(chunk.number, f"it is of version {members['v']!r}, known is 1")
        about = About(**{name: value for name, value in members.items() if name in known})
    except (KeyError, TypeError) as e:
        raise Damaged(chunk.number, f"a member is missing: {e}") from e
    check_members(chunk.number, about)
    return about


def check_members(number: int, about: About) -> None:
    """Check what each member is.

    Raises:
        Damaged: one is of another type, or no number that a clock has.
    """
    for each in fields(About):
        value = getattr(about, each.name)
        if type(value).__name__ != each.type and (each.type, type(value)) != ("float", int):
            raise Damaged(number, f"its member {each.name} is no {each.type}")
    if not 0 <= about.started_at < _LATEST:
        raise Damaged(number, "its member started_at is no time")


def _ending(chunk: Chunk, members: dict[str, Any]) -> Ending:
    try:
        ending = Ending(str(members["reason"]), int(members["moment"]))
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise Damaged(chunk.number, f"a member is missing: {e}") from e
    if not 0 <= ending.moment < 1 << 64:
        raise Damaged(chunk.number, "its moment is none")
    return ending
