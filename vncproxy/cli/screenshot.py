"""``vncproxy screenshot``: a picture of a machine's screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from .connection import api_command
from .failures import Misconfigured

if TYPE_CHECKING:
    from ..client import Client

Format = Literal["png", "jpeg", "webp"]

_FORMATS: Final[dict[str, Format]] = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
}

_SIDE: Final = click.IntRange(1, 16384)


@click.command()
@click.argument("vm")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(allow_dash=True, dir_okay=False, path_type=Path),
    help="The file: .png, .jpg or .webp; - is the standard output, as PNG.",
)
@click.option("--width", type=_SIDE, help="The most pixels from left to right.")
@click.option("--height", type=_SIDE, help="The most pixels from top to bottom.")
@click.option("--quality", type=click.IntRange(1, 100), help="Of .jpg and .webp; 85 by default.")
@click.option(
    "--cursor/--no-cursor", default=None, help="With or without the mouse cursor, if possible."
)
@api_command
def screenshot(
    api: Client,
    *,
    vm: str,
    output: Path,
    width: int | None,
    height: int | None,
    quality: int | None,
    cursor: bool | None,
) -> None:
    """Save a picture of the screen of VM, <backend>/<id>; its key needs the scope screenshot."""
    to_stdout = str(output) == "-"
    kind: Format | None = "png" if to_stdout else _FORMATS.get(output.suffix.lower())
    if kind is None:
        raise Misconfigured(f"{output}: a picture is a file .png, .jpg, .jpeg or .webp")
    image: bytes = api.show_screen(
        vm, width=width, height=height, format=kind, quality=quality, cursor=cursor
    )
    if to_stdout:
        click.echo(image, nl=False)
        return
    try:
        output.write_bytes(image)
    except OSError as e:
        raise Misconfigured(f"{output}: {e.strerror}") from e
