"""A bucket in memory that behaves as a real one, and fails when a test says so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from vncproxy.archive.bucket import Bucket, BucketError, Part, Place, Stored
from vncproxy.archive.library import NoRecording


class MemoryBucket(Bucket):
    """A bucket in memory.

    Attributes:
        objects_by_name: the bytes of each object.
        calls: the names of the calls that were made.
        fail: the names of calls that fail; ``lose`` those that succeed and whose answers are lost.
        now: the time of the storage's clock.
    """

    def __init__(self) -> None:
        super().__init__(Place("memory"), None)
        self.stored: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.changed: dict[str, float] = {}
        self.open: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.calls: list[str] = []
        self.fail: set[str] = set()
        self.lose: set[str] = set()
        self.now = 1.8e9
        self.has_own_tags = False
        self._count = 0

    def put(self, name: str, data: bytes) -> str:
        self._begin("put")
        self._keep(name, data, _md5(data))
        self._end("put")
        return _md5(data)

    def read(self, name: str, first: int, size: int) -> bytes:
        self._begin("read")
        if name not in self.stored:
            raise NoRecording(name)
        return self.stored[name][first : first + max(0, size)]

    def look(self, name: str) -> Stored | None:
        self._begin("look")
        if name not in self.stored:
            return None
        return Stored(name, len(self.stored[name]), self.changed[name], self.tags[name])

    def folders(self) -> Iterator[str]:
        self._begin("list")
        yield from sorted({name.partition("/")[0] for name in self.stored if "/" in name})

    def objects(self, beginning: str) -> Iterator[Stored]:
        self._begin("list")
        for name in sorted(self.stored):
            if name.startswith(beginning):
                yield Stored(name, len(self.stored[name]), self.changed[name])

    def delete(self, name: str) -> None:
        self._begin("delete")
        self.stored.pop(name, None)

    def begin_parts(self, name: str) -> str:
        self._begin("begin_parts")
        self._count += 1
        self.open[f"upload-{self._count}"] = name, {}
        return f"upload-{self._count}"

    def put_part(self, name: str, upload: str, number: int, data: bytes) -> str:
        self._begin("put_part")
        self._of(upload)[number] = data
        self._end("put_part")
        return self._tag(_md5(data))

    def parts(self, name: str, upload: str) -> list[Part] | None:
        self._begin("parts")
        if upload not in self.open:
            return None
        parts = sorted(self._of(upload).items())
        return [Part(number, len(data), self._tag(_md5(data))) for number, data in parts]

    def complete(self, name: str, upload: str, tags: Sequence[str]) -> None:
        self._begin("complete")
        parts = self._of(upload)
        own = [self._tag(_md5(parts.get(number, b""))) for number in range(1, len(tags) + 1)]
        if own != list(tags):
            raise BucketError("InvalidPart: one is not there", "InvalidPart")
        data = [parts[number] for number in range(1, len(tags) + 1)]
        md5s = b"".join(hashlib.md5(each).digest() for each in data)
        self._keep(name, b"".join(data), f"{_md5(md5s)}-{len(data)}")
        del self.open[upload]
        self._end("complete")

    def abort(self, name: str, upload: str) -> None:
        self._begin("abort")
        self.open.pop(upload, None)

    def uploads(self, name: str) -> list[str]:
        self._begin("uploads")
        return [upload for upload, (of, _) in self.open.items() if of == name]

    def _keep(self, name: str, data: bytes, tag: str) -> None:
        self.stored[name], self.tags[name], self.changed[name] = data, self._tag(tag), self.now

    def _tag(self, tag: str) -> str:
        return f"{_md5(tag.encode())}" if self.has_own_tags else tag

    def _of(self, upload: str) -> dict[int, bytes]:
        if upload not in self.open:
            raise BucketError("NoSuchUpload: it is gone", "NoSuchUpload")
        return self.open[upload][1]

    def _begin(self, call: str) -> None:
        if call in self.fail:
            raise BucketError("could not connect")
        self.calls.append(call)

    def _end(self, call: str) -> None:
        if call in self.lose:
            raise BucketError("the connection was lost")


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()
