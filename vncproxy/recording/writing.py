"""A session's events in, the bytes of a file out; without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from ..errors import RecordingStopped
from .chunks import MAGIC, Body, ChunkWriter, Kind, Mark
from .events import Event, pack_events
from .sealing import Seal

STOPPED: Final = RecordingStopped.code
"""The reason of the end of a recording that is not of the whole session; it is never sealed."""


@dataclass(frozen=True, slots=True)
class About:
    """What a recording is of.

    Attributes:
        session: the session's id.
        token: the id of its token.
        vm: its machine, ``<backend>/<id>``.
        type: of its viewer.
        started_at: seconds since 1970, by the proxy's clock.
        keys: whether the keys that its user pressed are recorded.
        sealed_key: as `vncproxy.recording.sealing` has it; empty where it is not sealed.
    """

    session: str
    token: str
    vm: str
    user: str
    client: str
    type: str
    proxy: str
    started_at: float
    keys: bool = False
    sealed_key: str = ""


class RecordingWriter:
    """Makes the bytes of one file.

    Args:
        seal: encrypts it; None for none.
    """

    def __init__(self, about: About, seal: Seal | None = None) -> None:
        self._about = about
        self._chunks = ChunkWriter(seal)

    @property
    def hash(self) -> str:
        """The hash of all that was made, in hexadecimal digits."""
        return self._chunks.hash.hex()

    @property
    def size(self) -> int:
        """Bytes of all that was made."""
        return self._chunks.size

    def begin(self) -> bytes:
        """Return the first bytes."""
        return MAGIC + self._chunks.chunk(Kind.ABOUT, _json({"v": 1, **asdict(self._about)}))

    def events(self, events: Iterable[Event]) -> bytes:
        """Return the bytes for events, which were written as a whole or not at all."""
        return self._chunks.chunk(Kind.EVENTS, pack_events(events))

    def packed_events(self, packed: Body) -> tuple[bytes, Body, bytes]:
        """Return the same for events that are packed, in parts."""
        return self._chunks.parts(Kind.EVENTS, packed)

    def end(self, reason: str, moment: int) -> bytes:
        """Return the last bytes.

        Args:
            reason: the code of the error with which the session, or the recording, ended.
            moment: in microseconds since the beginning.
        """
        sealed = reason != STOPPED
        return self._chunks.chunk(Kind.END, _json({"reason": reason, "moment": moment}), sealed)

    def mark(self) -> Mark:
        """Return where the file ends now."""
        return self._chunks.mark()

    def go_back(self, mark: Mark) -> None:
        """Take back what was made since then and not written; only an early end may follow."""
        self._chunks.go_back(mark)


def _json(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()
