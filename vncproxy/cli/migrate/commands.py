"""The commands ``migrate websockify``, ``migrate nova`` and ``migrate kolla``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from ..failures import Misconfigured
from . import websockify as command_line


@click.group()
def migrate() -> None:
    """Print the configuration that replaces another program."""


@migrate.command(
    short_help="Print what matches a command line of websockify.",
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  vncproxy migrate websockify -- --web /usr/share/novnc --cert self.pem \\
      --token-plugin TokenFile --token-source /etc/websockify/tokens 6080
  vncproxy migrate websockify -- 6080 192.0.2.7:5900
""",
)
@click.argument("arguments", metavar="-- COMMAND LINE", nargs=-1, type=click.UNPROCESSED)
def websockify(arguments: tuple[str, ...]) -> None:
    """Print the vncproxy.toml that matches a command line of websockify.

    What has no counterpart stands there as a comment.
    """
    click.echo(command_line.convert(arguments), nl=False)


@migrate.command(
    short_help="Print what matches the nova.conf of nova-novncproxy.",
    epilog="""\b
Examples:
  vncproxy migrate nova /etc/nova/nova.conf > vncproxy.toml
  vncproxy migrate nova nova.conf nova-novncproxy.conf --config-dir /etc/nova/nova.conf.d
""",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--config-dir",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A directory whose *.conf are read after the files, by name; repeatable.",
)
def nova(files: tuple[Path, ...], folders: tuple[Path, ...]) -> None:
    """Print the vncproxy.toml for the place of nova-novncproxy and nova-xvpvncproxy.

    FILES are those of nova-novncproxy, /etc/nova/nova.conf by default; a later one wins.
    What has no counterpart stands there as a comment, and passwords are printed as they are.
    """
    if not files and not folders:
        files = (Path("/etc/nova/nova.conf"),)
    click.echo(_converter("nova")(files, folders), nl=False)


@migrate.command(
    short_help="Print what matches a container nova_novncproxy of Kolla.",
    epilog="""\b
Example:
  vncproxy migrate kolla /etc/kolla/nova-novncproxy > vncproxy.toml
""",
)
@click.argument("directory", default="/etc/kolla/nova-novncproxy", type=click.Path(path_type=Path))
def kolla(directory: Path) -> None:
    """Print the vncproxy.toml for the place of a container nova_novncproxy.

    DIRECTORY is what Kolla gives the container, /etc/kolla/nova-novncproxy by default; files are
    named as they are called outside of the container.
    """
    click.echo(_converter("kolla")(directory), nl=False)


def _converter(name: str) -> Any:
    """Return what converts files of Nova, which needs oslo.config."""
    try:
        return import_module(f".{name}", __package__).convert
    except ModuleNotFoundError as e:
        raise Misconfigured(f"{e.name} is missing: pip install 'vncproxy[nova]'") from None
