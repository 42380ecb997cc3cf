"""``vncproxy bridge``: lets any VNC viewer of this machine into a console."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .failures import Misconfigured, Refused, Unreachable
from .reactor import run

LONGEST_LINK = 16384
"""The most characters that are read of a link."""


@click.command(
    short_help="Let any VNC viewer of this machine into a console.",
    epilog="""\b
Examples:
  vncproxy bridge 'https://console.example.com/?token=...'
  vncproxy bridge --port 5910 < link.txt

Then connect the viewer; viewers write a port in different ways:
  vncviewer 127.0.0.1::5901             (TigerVNC, TightVNC, SSVNC)
  gvncviewer 127.0.0.1:1                (counts from 5900)
  remmina -c vnc://127.0.0.1:5901
""",
)
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5901,
    show_default=True,
    help="TCP port on 127.0.0.1 for the viewer; 0 takes a free one.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authorities to trust, instead of the system's.",
)
def bridge(url: str | None, port: int, ca_file: Path | None) -> None:
    """Let any VNC viewer of this machine into the console of an access URL.

    It serves one viewer, then ends. Without URL it reads one from standard input, or asks for it on
    a terminal, because all users of this machine can read command lines.
    """
    from ..errors import UpstreamUnreachable, VNCProxyError
    from .tunnel import Link, serve

    try:
        link = Link.parse(url or _read_link())
    except ValueError as e:
        raise Misconfigured(str(e)) from e

    async def serve_link(reactor: Any) -> None:
        await serve(link, port, str(ca_file or ""), click.echo, reactor)

    try:
        run(serve_link)
    except OSError as e:
        raise Misconfigured(f"cannot listen on port {port} of 127.0.0.1: {e}") from e
    except UpstreamUnreachable as e:
        raise Unreachable(str(e)) from e
    except VNCProxyError as e:
        raise Refused(str(e)) from e


def _read_link() -> str:
    """Return the access URL, typed without echo, or the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("access URL", hide_input=True, err=True))
    return sys.stdin.readline(LONGEST_LINK)
