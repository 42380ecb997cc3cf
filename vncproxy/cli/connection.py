"""The HTTP API as commands use it: one request, and its answer or an exception with a sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import click
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import ResponseFailed
from twisted.web.http import PotentialDataLoss

from ..text import printable_lines, system_message
from .failures import Misconfigured, Refused, Unreachable
from .reactor import run

DEFAULT_URL = "http://127.0.0.1:6082"
URL_VARIABLE = "VNCPROXY_API"
KEY_VARIABLE = "VNCPROXY_API_KEY"
KEY_FILE_VARIABLE = "VNCPROXY_API_KEY_FILE"

TIME_LIMIT = 30.0
"""Seconds for a request and its answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        path: with quoted input of the user, see `segment`.
        body: a JSON object, or None.
        query: parameters.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


class Api(Protocol):
    """Carries requests out."""

    def ask(self, call: Call) -> Any:
        """Return the JSON of the answer.

        Raises:
            Refused: the API refused.
            Unreachable: there is no API.
        """


Connect = Callable[[str, str], Api]
"""Makes an `Api` of a URL and a key."""


@dataclass(frozen=True, slots=True)
class HTTPApi:
    """The API behind a URL."""

    url: str
    key: str = field(repr=False)

    def ask(self, call: Call) -> Any:
        """Run the reactor for one request."""

        async def send(reactor: Any) -> Any:
            import treq.client
            from twisted.web.client import Agent

            client = treq.client.HTTPClient(Agent(reactor, connectTimeout=TIME_LIMIT))
            return await fetch(client, self.url, self.key, call, reactor)

        return run(send)


async def fetch(client: Any, url: str, key: str, call: Call, clock: IReactorTime) -> Any:
    """Send a request and return the JSON of the answer.

    Args:
        client: treq, or an object with its ``request``.
        clock: for the time limit.

    Raises:
        Refused: the API refused.
        Unreachable: nothing answers in time, or what answers is not the API.
    """
    try:
        exchange = Deferred.fromCoroutine(_exchange(client, url, key, call))
        status, content = await exchange.addTimeout(TIME_LIMIT, clock)
    except TimeoutError as e:
        raise Unreachable(f"the API at {url} did not answer within {TIME_LIMIT:g} s") from e
    except (ConnectError, DNSLookupError) as e:
        raise Unreachable(f"the API at {url} cannot be reached: {_lower(e)}") from e
    except (ResponseFailed, PotentialDataLoss) as e:
        raise Unreachable(f"the API at {url} broke off: {_reason(e)}") from e
    return _answer(url, status, content)


async def _exchange(client: Any, url: str, key: str, call: Call) -> tuple[int, bytes]:
    response = await client.request(
        call.method,
        url.rstrip("/") + call.path,
        params=dict(call.query),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        data=None if call.body is None else json.dumps(call.body).encode(),
        allow_redirects=False,
    )
    return response.code, await response.content()


def _answer(url: str, status: int, content: bytes) -> Any:
    try:
        body = json.loads(content)
        if status < 300:
            return body
        error = body["error"]
        field, message, code = error["field"], error["message"], error["code"]
    except (ValueError, LookupError, TypeError) as e:
        message = f"what answers at {url} is not vncproxy's API (HTTP status {status})"
        raise Unreachable(message) from e
    raise Refused(f"{field}: {message}" if field else message, code)


def _lower(error: Exception) -> str:
    return system_message(error).lower()


def _reason(error: Exception) -> str:
    reasons = getattr(error, "reasons", None)
    return _lower(reasons[0].value) if reasons else _lower(error)


def segment(text: str) -> str:
    """Return text as one segment of a path."""
    return quote(text, safe="")


def api_command(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the API; it gets an `Api` as its first argument."""

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
        connect: Connect = click.get_current_context().obj or HTTPApi
        command(connect(_checked(url), _key(key_file)), **rest)

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
