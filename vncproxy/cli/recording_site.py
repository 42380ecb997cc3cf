"""One recording in the player, on loopback: ``vncproxy recording play``."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Any, BinaryIO

from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from ..downstream.headers import header
from ..downstream.static_files import find_file
from ..player import BeingMade, Following, NotShown, Part, PlayerResource
from ..player.described import describe
from ..recording.being_written import is_being_written
from ..web import STATIC, content_security_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twisted.internet.interfaces import IReactorFromThreads

    from ..recording.reading import RecordingReader
    from ..replay import Contents

OpenReader = Callable[[BinaryIO], "RecordingReader"]

HOST = "127.0.0.1"

_EXPIRED = NotShown(401, "link-ended", "Open the link that the command has printed.")


class OwnFile:
    """The recording of a file, whose playable copy is made when it is asked for.

    Args:
        copy: where its playable copy is to be.
        open_reader: reads it, also where it is sealed.
    """

    def __init__(
        self, recording: Path, copy: Path, open_reader: OpenReader, reactor: IReactorFromThreads
    ) -> None:
        self._recording = recording
        self._copy = copy
        self._open_reader = open_reader
        self._reactor = reactor
        self._progress: float | None = None
        self._table: Contents | None = None
        self._why = ""
        with recording.open("rb") as file:
            reader = open_reader(file)
            next(reader.read_chunks())
            assert reader.about is not None
            self.about = reader.about

    async def contents(self) -> Mapping[str, object]:
        """Return what is in it, once its copy is made; that it goes on, while it is written."""
        if self._is_followed():
            return describe(self.about, None, may_download=True)
        if self._why:
            raise NotShown(409, "recording-unplayable", f"{self._why}.")
        if self._table is None:
            self._begin_to_make()
            raise BeingMade(self._progress or 0.0)
        return describe(self.about, self._table, may_download=True)

    async def segment(self, number: int) -> Part:
        """Return a segment of the copy."""
        if self._table is None:
            raise BeingMade(self._progress or 0.0)
        try:
            found = self._table.segments[number]
        except IndexError as e:
            raise NotShown(404, "no-such-segment", "There is no such part.") from e
        return Part(self._copy.open("rb"), found.offset, found.size)

    async def follow(self) -> Sequence[str]:
        """Return the command that follows the file, while it is written."""
        from ..replay import follow_command

        if not self._is_followed():
            raise NotShown(409, "not-live", "The session has ended.")
        return follow_command(self._recording)

    def followed(self, following: Following) -> None:
        """Take note of the process, which ends with its request."""

    async def open_file(self) -> tuple[str, Part]:
        """Return the file."""
        size = self._recording.stat().st_size
        return f"{self.about.session}.vncr", Part(self._recording.open("rb"), 0, size)

    def _is_followed(self) -> bool:
        """Tell whether its session goes on; a sealed file is not followed."""
        if self.about.sealed_key or self._progress is not None:
            return False
        with self._recording.open("rb") as file:
            return is_being_written(file.fileno())

    def _begin_to_make(self) -> None:
        if self._progress is None:
            self._progress = 0.0
            Thread(target=self._make, daemon=True).start()

    def _make(self) -> None:
        """Make the copy, in a thread that may end with the process at any time."""
        from ..replay import CannotMake
        from ..replay.making import make_copy

        table: Contents | None = None
        why = ""
        try:
            with self._recording.open("rb") as file, self._copy.open("wb") as target:
                table = make_copy(file, target, self._on_progress, self._open_reader(file))
        except (CannotMake, OSError) as e:
            why = str(e)
        self._reactor.callFromThread(self._made, table, why)

    def _on_progress(self, read: int) -> None:
        self._progress = min(1.0, read / max(1, self._recording.stat().st_size))

    def _made(self, table: Contents | None, why: str) -> None:
        self._table, self._why = table, why


class OneRecordingSite(Site):
    """Serves one recording to those that know a secret, which stands in no log.

    Attributes:
        secret: the token of its link.
    """

    def __init__(self, shown: OwnFile, reactor: Any) -> None:
        self.secret = secrets.token_urlsafe(32)
        self._shown = shown
        super().__init__(_Root(PlayerResource(self._admit, reactor)), reactor=reactor)
        self.noisy = False

    def log(self, request: Request) -> None:
        """Write nothing."""

    def url(self, port: int) -> str:
        """Return the link to the recording, at a port of loopback."""
        return f"http://{HOST}:{port}/recordings/{self._shown.about.session}?token={self.secret}"

    async def _admit(self, request: Request, session: str) -> OwnFile:
        given = header(request, "authorization")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.secret}".encode()):
            raise _EXPIRED
        if session != self._shown.about.session:
            raise NotShown(404, "not-found", "The command shows another recording.")
        return self._shown


class _Root(Resource):
    """The page's files, and the recording."""

    isLeaf = True

    def __init__(self, player: PlayerResource) -> None:
        super().__init__()
        self._player = player

    def render(self, request: Request) -> Any:
        """Serve any request."""
        request.setHeader("Content-Security-Policy", content_security_policy("'none'"))
        request.setHeader("Referrer-Policy", "no-referrer")
        request.setHeader("X-Content-Type-Options", "nosniff")
        first, _, rest = request.path.decode("latin-1").lstrip("/").partition("/")
        if first == "recordings":
            return self._player.render(request)
        file = find_file(STATIC, rest) if first == "static" else None
        if file is None:
            request.setResponseCode(404)
            return b"There is nothing here. Open the link that the command has printed.\n"
        return file.render(request)
