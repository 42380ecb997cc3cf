"""``vncproxy recording play``: the player for one file, until the command is ended."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from twisted.internet.defer import Deferred

from ..recording.chunks import Damaged
from ..recording.reading import RecordingReader
from ..recording.sealing import CannotOpen
from ..web import novnc_installed
from .failures import Misconfigured, Refused
from .reactor import run

if TYPE_CHECKING:
    from ..recording.reading import OpenSeal


def play_file(file: Path, port: int, open_seal: OpenSeal | None) -> None:
    """Serve the player for a recording; ends with Ctrl-C.

    Args:
        port: on loopback; 0 takes a free one.
        open_seal: of a sealed file.

    Raises:
        Refused: it is no recording, or sealed for another key.
        Misconfigured: something is missing, or the port is taken.
    """
    try:
        from ..replay import making  # noqa: F401 before the page asks for it
    except ImportError as e:
        raise Misconfigured("the player needs numpy and Pillow: install vncproxy[screen]") from e
    if not novnc_installed():
        raise Misconfigured("the player is not installed: npm was missing when it was built")
    with tempfile.TemporaryDirectory(prefix="vncproxy-", ignore_cleanup_errors=True) as folder:
        _serve(file, Path(folder), port, open_seal)


def _serve(file: Path, folder: Path, port: int, open_seal: OpenSeal | None) -> None:
    from .recording_site import HOST, OneRecordingSite, OwnFile

    def open_reader(opened: BinaryIO) -> RecordingReader:
        return RecordingReader(opened, open_seal)

    async def serve(reactor: Any) -> None:
        shown = OwnFile(file, folder / "playable.vncrx", open_reader, reactor)
        if shown.about.sealed_key and open_seal is None:
            raise Refused(f"{file}: it is sealed; its key is needed, --identity")
        site = OneRecordingSite(shown, reactor)
        listening = reactor.listenTCP(port, site, interface=HOST)
        click.echo(f"{site.url(listening.getHost().port)}\nOpen it in a browser of this machine.")
        await Deferred()

    try:
        with suppress(click.Abort):  # Ctrl-C is how it ends
            run(serve)
    except (Damaged, CannotOpen) as e:
        raise Refused(f"{file}: {e}") from e
    except OSError as e:
        raise Misconfigured(f"cannot listen on port {port} of {HOST}: {e}") from e
