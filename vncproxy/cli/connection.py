"""The options that name the HTTP API, and the client that commands get for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ..text import printable_lines
from .failures import Misconfigured, Refused, Unreachable

if TYPE_CHECKING:
    from ..client import Client

DEFAULT_URL = "http://127.0.0.1:6082"
URL_VARIABLE = "VNCPROXY_API"
KEY_VARIABLE = "VNCPROXY_API_KEY"
KEY_FILE_VARIABLE = "VNCPROXY_API_KEY_FILE"


Connect = Callable[[str, str], "Client"]
"""Makes a client of a URL and a key."""


def api_command(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the API; it gets a `Client` as its first argument."""

    @click.option(
        "--api",
        "url",
        envvar=URL_VARIABLE,
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="Where the API is.",
    )
    @click.option(
        "--key-file",
        envvar=KEY_FILE_VARIABLE,
        show_envvar=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"A file whose first line is the API key; otherwise it is taken from ${KEY_VARIABLE}. "
        "There is no option for the key, because all users of this machine can read command lines.",
    )
    @wraps(command)
    def connected(url: str, key_file: Path | None, **rest: Any) -> None:
        from .. import client

        connect: Connect = click.get_current_context().obj or client.Client
        with connect(_checked(url), _key(key_file)) as api:
            try:
                command(api, **rest)
            except client.Refused as e:
                raise Refused(str(e)) from e
            except client.ApiError as e:
                raise Unreachable(str(e)) from e

    return connected


def json_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def print_json(body: object) -> None:
    """Print JSON that people can read as well."""
    click.echo(printable_lines(json.dumps(body, indent=2, ensure_ascii=False)))


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Misconfigured(f"{url!r} is not the URL of an API, such as {DEFAULT_URL}")
    return url


def _key(key_file: Path | None) -> str:
    if key_file is None:
        key = os.environ.get(KEY_VARIABLE, "")
    else:
        try:
            key = key_file.read_text("utf-8").partition("\n")[0]
        except (OSError, UnicodeDecodeError) as e:
            raise Misconfigured(f"{key_file} cannot be read as a key") from e
    key = key.strip()
    if not key:
        where = f"{key_file} has no key" if key_file else "there is no API key"
        raise Misconfigured(
            f"{where}: set {KEY_VARIABLE} or name a file with --key-file; "
            "`vncproxy key new` makes a key"
        )
    if not (key.isascii() and key.isprintable()):
        raise Misconfigured("the API key has invalid characters")
    return key
