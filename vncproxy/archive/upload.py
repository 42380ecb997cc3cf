"""The upload of one recording: in parts while it grows, and confirmed when it is complete."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

from .bucket import Bucket, BucketError, Part
from .library import Entry, NoRecording
from .spool import Progress, Settled, Spool, is_growing

PART: Final = 8 << 20
"""Bytes of a part; servers want at least 5 MiB of all but the last, and equal ones."""

MOST_PARTS: Final = 10_000

_LOST: Final = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder"})
"""What a server says where parts are gone."""

_READ: Final = 4 << 20


class Upload:
    """The upload of one recording from a spool.

    A failed call is tried again by calling `advance` once more; so is one of a former process,
    whose parts are used again where they are those of the file.

    Args:
        count: is called with the bytes that the bucket has taken.

    Attributes:
        sent: bytes of the recording that the bucket has.
    """

    def __init__(
        self,
        bucket: Bucket,
        spool: Spool,
        entry: Entry,
        count: Callable[[int], object] = lambda size: None,
        part_size: int = PART,
    ) -> None:
        self.sent = 0
        self._bucket = bucket
        self._spool = spool
        self._entry = entry
        self._count = count
        self._settled = Settled()
        self._part_size = part_size
        self._least_part_size = part_size
        self._upload = ""
        self._tags: list[str] = []
        self._digests: list[str] = []
        self._is_resumed = False

    def advance(self, has_time: Callable[[], bool] = lambda: True) -> bool:
        """Upload what there is; returns whether the bucket has all, as it was confirmed.

        Args:
            has_time: whether another part may be sent.

        Raises:
            BucketError: it did not succeed, and may later.
            NoRecording: the recording is gone.
        """
        with self._spool.open(self._entry) as file:
            growing = is_growing(file)
            size = self._settled.look(file)
            self._resume(file, size)
            while size - self.sent > self._part_size and has_time():
                if len(self._tags) >= MOST_PARTS - 1:
                    self._begin_again(self._part_size * 4)
                self._send_part(file, self._part_size)
            if growing or not size or size - self.sent > self._part_size:
                return False
            self._finish(file, size)
        return True

    def abandon(self) -> None:
        """Forget the parts of a recording that is gone."""
        if self._upload:
            self._bucket.abort(self._entry.name, self._upload)
            self._upload = ""

    def _resume(self, file: BinaryIO, size: int) -> None:
        """Take over what a former process has uploaded."""
        if self._is_resumed:
            return
        known = self._spool.progress(self._entry)
        if known.upload:
            parts = self._bucket.parts(self._entry.name, known.upload)
            if parts is not None:
                self._upload, self._part_size = known.upload, known.part_size
                self._take_over(file, size, parts)
            elif self._is_there(file, size, tag_of(_digests_of(file, size, known.part_size))):
                self.sent = size
        self._is_resumed = True

    def _take_over(self, file: BinaryIO, size: int, parts: Sequence[Part]) -> None:
        """Count the first parts that are those of the file."""
        for part in parts:
            whole = part.number == len(self._tags) + 1 and self.sent + self._part_size <= size
            if not whole or part.etag != _md5_of(file, self.sent, self._part_size):
                break
            self._tags.append(part.etag)
            self.sent += self._part_size
        self._digests = list(self._tags)

    def _send_part(self, file: BinaryIO, size: int) -> None:
        if not self._upload:
            self._begin()
        data = os.pread(file.fileno(), size, self.sent)
        if len(data) != size:
            raise NoRecording(f"{self._entry.name}: {self.sent + size} bytes were there")
        try:
            tag = self._bucket.put_part(self._entry.name, self._upload, len(self._tags) + 1, data)
        except BucketError as e:
            if e.code in _LOST:
                self._begin_again(self._least_part_size)
            raise
        self._tags.append(tag)
        self._digests.append(hashlib.md5(data, usedforsecurity=False).hexdigest())
        self.sent += size
        self._count(size)

    def _begin(self) -> None:
        name = self._entry.name
        for left in uploads_of(self._bucket, name):
            self._bucket.abort(name, left)
        self._upload = self._bucket.begin_parts(name)
        self._spool.remember(self._entry, Progress(self._upload, self._part_size))

    def _begin_again(self, part_size: int) -> None:
        """Upload it from its beginning, in parts of another size."""
        if self._upload:
            self._bucket.abort(self._entry.name, self._upload)
        self._upload, self._tags, self._digests, self.sent = "", [], [], 0
        self._part_size = part_size
        self._spool.remember(self._entry, Progress())

    def _finish(self, file: BinaryIO, size: int) -> None:
        """Make the object complete, and look whether it is."""
        refusal: BucketError | None = None
        if not self._upload and self.sent < size:
            tag = self._bucket.put(self._entry.name, os.pread(file.fileno(), size, 0))
            self._count(size)
        elif self._upload:
            tag, refusal = self._complete(file, size)
        else:
            return
        if not self._is_there(file, size, tag):
            if refusal is None or refusal.code in _LOST:
                self._begin_again(self._least_part_size)
            text = f"{self._entry.name}: the bucket has other bytes than were sent"
            raise refusal or BucketError(text)
        self.sent = size

    def _complete(self, file: BinaryIO, size: int) -> tuple[str, BucketError | None]:
        """Join the parts; a refusal may mean that this was done, and its answer was lost."""
        if size > self.sent:
            self._send_part(file, size - self.sent)
        try:
            self._bucket.complete(self._entry.name, self._upload, self._tags)
        except BucketError as e:
            return tag_of(self._digests), e
        return tag_of(self._digests), None

    def _is_there(self, file: BinaryIO, size: int, tag: str) -> bool:
        """Whether the bucket has the whole recording, by its tag, or by all of its bytes.

        Where the storage encrypts with a key of its own, tags say nothing.
        """
        name = self._entry.name
        found = self._bucket.look(name)
        if found is None or found.size != size:
            return False
        ours = _pieces(file, size)
        return found.etag == tag or _hash(ours) == _hash(_pieces_of(self._bucket, name, size))


def uploads_of(bucket: Bucket, name: str) -> list[str]:
    """Return unfinished uploads of a name; some servers cannot tell."""
    try:
        return bucket.uploads(name)
    except BucketError as e:
        if not e.code:
            raise
        return []


def tag_of(tags: Sequence[str]) -> str:
    """Return the tag that servers give to an object in parts: the MD5 of those of its parts."""
    whole = hashlib.md5(bytes.fromhex("".join(tags)), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(tags)}"


def _digests_of(file: BinaryIO, size: int, part_size: int) -> list[str]:
    return [_md5_of(file, at, min(part_size, size - at)) for at in range(0, size, part_size)]


def _md5_of(file: BinaryIO, at: int, size: int) -> str:
    found = hashlib.md5(usedforsecurity=False)
    for piece in _pieces(file, size, at):
        found.update(piece)
    return found.hexdigest()


def _pieces(file: BinaryIO, size: int, at: int = 0) -> Iterator[bytes]:
    end = at + size
    while at < end and (data := os.pread(file.fileno(), min(_READ, end - at), at)):
        yield data
        at += len(data)


def _pieces_of(bucket: Bucket, name: str, size: int) -> Iterator[bytes]:
    at = 0
    while at < size and (data := bucket.read(name, at, min(_READ, size - at))):
        yield data
        at += len(data)


def _hash(pieces: Iterator[bytes]) -> bytes:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.digest()
