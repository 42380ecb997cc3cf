"""``vncproxy recording``: verify recordings, play them, save them as videos and pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ..errors import VNCProxyError
from .failures import Misconfigured, Refused
from .recording_audit import compare_audit
from .recording_upload import upload

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from ..recording.events import Event
    from ..recording.reading import OpenSeal, RecordingReader

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

_identity = click.option(
    "--identity",
    type=_FILE,
    help="A file with a secret key of age, for a sealed recording.",
)


@click.group()
def recording() -> None:
    """Recordings of sessions: files .vncr. They need no proxy."""


recording.add_command(upload)


@recording.command()
@click.argument("file", type=_FILE)
@click.option("--hash", "expected", help="The hash that the audit has of it.")
@click.option(
    "--audit",
    type=_FILE,
    multiple=True,
    help="An audit file, or a log in text, to compare FILE with. Repeatable.",
)
def verify(file: Path, expected: str | None, audit: tuple[Path, ...]) -> None:
    r"""Verify that FILE is as it was written, to its end.

    \b
    A file whose end is missing was cut off, or its proxy was killed; what is
    there is as it was written. Only the audit tells a file that somebody wrote
    anew: compare its hash with that of the line "recording" of its session,
    or name the audit file.
    """
    from ..recording.chunks import Damaged
    from ..recording.writing import STOPPED

    with file.open("rb") as opened:
        reader = _reader(opened, None)
        try:
            for _ in reader.read_chunks():
                pass
        except Damaged as e:
            raise Refused(f"{file}: {e}") from e
    click.echo(f"{_what(reader)}\nhash: {reader.hash}")
    if audit and reader.about is not None:
        click.echo(compare_audit(reader.about, reader.hash, audit))
    if not reader.is_ended:
        raise Refused(f"{file}: the end is missing; the {reader.chunks} chunks before are intact")
    if expected is not None and expected.lower() != reader.hash:
        raise Refused(f"{file}: another hash was expected")
    if reader.ending is not None and reader.ending.reason == STOPPED:
        raise Refused(
            f"{file}: the recording stopped {reader.ending.moment / 1e6:.1f} s after it began, "
            f"and the session may have gone on; the {reader.chunks} chunks are intact"
        )
    click.echo("complete and as it was written")


@recording.command()
@click.argument("file", type=_FILE)
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--at", type=click.FloatRange(0), help="Seconds since its beginning, for a picture.")
@_identity
def export(file: Path, output: Path, at: float | None, identity: Path | None) -> None:
    """Save FILE as OUTPUT: a video .webm or .mp4, or its screen at a moment as a .png."""
    from ..recording.chunks import Damaged
    from ..recording.sealing import CannotOpen

    save = _saver(output, at)
    with file.open("rb") as opened:
        try:
            save(_reader(opened, identity), file)
        except (Damaged, CannotOpen, VNCProxyError) as e:
            raise Refused(f"{file}: {e}") from e


@recording.command()
@click.argument("files", type=_FILE, nargs=-1, required=True)
def index(files: tuple[Path, ...]) -> None:
    """Make the playable copy of each FILE, beside it, unless there is one.

    The proxy makes them itself after each session; the player needs them. A
    sealed recording has none: `vncproxy recording play` makes it for as long
    as it plays.
    """
    try:
        from ..replay.copying import copy_file
    except ImportError as e:
        raise Misconfigured("it needs numpy and Pillow: install vncproxy[screen]") from e
    from ..replay import CannotMake, contents

    for file in files:
        try:
            with click.progressbar(length=1000, label=file.name) as bar:
                copy = copy_file(file, lambda done: bar.update(round(done * 1000) - bar.pos))
                bar.update(1000 - bar.pos)
        except (CannotMake, OSError) as e:
            raise Refused(f"{file}: {e}") from e
        if trouble := contents(copy).trouble:
            click.echo(f"{file}: it plays up to {contents(copy).seconds:.1f} s, where {trouble}")


@recording.command()
@click.argument("file", type=_FILE)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="TCP port on 127.0.0.1; 0 takes a free one.  [default: 0]",
)
@_identity
def play(file: Path, port: int, identity: Path | None) -> None:
    r"""Show FILE in the player, to a browser of this machine.

    \b
    The link that it prints has a secret, without which nothing is shown: other users
    of this machine see nothing. What the player needs is made in a temporary folder,
    which is removed when you press Ctrl-C. FILE may be one that is still written.
    """
    from .playing import play_file

    play_file(file, port, _opener(identity))


Save = Callable[["RecordingReader", Path], None]


def _saver(output: Path, at: float | None) -> Save:
    """Return what saves a recording, by the suffix of the file."""
    suffix = output.suffix.lower()
    if suffix == ".png":
        return partial(_save_picture, output, at or 0.0)
    if suffix not in (".webm", ".mp4"):
        raise Misconfigured(f"{output}: a video is a file .webm or .mp4, a picture a .png")
    if at is not None:
        raise click.UsageError("--at is for a picture, a file .png")
    return partial(_save_video, output)


def _save_picture(output: Path, at: float, reader: RecordingReader, file: Path) -> None:
    try:
        from ..recording.playing import pictures_at
        from ..screenshots.formats import ImageKind
        from ..screenshots.images import encode_image
    except ImportError as e:
        raise Misconfigured("pictures need numpy and Pillow: install vncproxy[screen]") from e
    with _progress(output.name, file) as bar:
        found = next(pictures_at(_watched(reader, bar.update), [round(at * 1e6)]))
    if found is None:
        raise Refused(f"{file}: there is no screen {at:g} s after its beginning")
    output.write_bytes(encode_image(found, ImageKind()))


def _save_video(output: Path, reader: RecordingReader, file: Path) -> None:
    try:
        from ..recording.video import export_video
    except ImportError as e:
        raise Misconfigured("videos need PyAV: install vncproxy[video]") from e
    with _progress(output.name, file) as bar:
        count = export_video(reader, output, lambda seconds: bar.update(reader.take_read()))
    if not count:
        raise Refused(f"{file}: there is no screen in it")


def _progress(label: str, file: Path) -> ProgressBar[int]:
    """Return a bar for as many bytes as a file has; without a terminal it is its label alone."""
    return click.progressbar(length=file.stat().st_size, label=label, file=sys.stderr)


def _watched(reader: RecordingReader, on_read: Callable[[int], object]) -> Iterator[Event]:
    """Yield a recording's events, and tell how many bytes were read."""
    for event in reader.events():
        yield event
        if read := reader.take_read():
            on_read(read)


def _reader(file: BinaryIO, identity: Path | None) -> RecordingReader:
    from ..recording.reading import RecordingReader

    return RecordingReader(file, _opener(identity))


def _opener(identity: Path | None) -> OpenSeal | None:
    if identity is None:
        return None
    from ..recording.sealing import open_seal

    lines = identity.read_text().splitlines()
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return lambda sealed_key: open_seal(sealed_key, keys)


def _what(reader: RecordingReader) -> str:
    about = reader.about
    assert about is not None
    began = datetime.fromtimestamp(about.started_at, UTC)
    sealed = ", sealed" if about.sealed_key else ""
    return (
        f"session {about.session} of {about.user or 'no user'} at {about.vm}, "
        f"from {began:%Y-%m-%d %H:%M:%S} UTC{sealed}"
    )
