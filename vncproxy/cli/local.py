"""Commands that need no running proxy: ``demo``, ``check-config`` and ``key``."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..config.scope import Scope
from ..errors import ConfigurationError
from ..text import printable_lines
from .connection import json_option, print_json
from .failures import Misconfigured
from .reactor import run
from .zone_keys import print_zone_key

if TYPE_CHECKING:
    from ..config.check.run import Finding

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SCOPES = tuple(scope.value for scope in Scope)
"""Rights of a key, as options name them."""


@click.command(
    short_help="Serve a demonstration console.",
    epilog="""\b
Examples:
  vncproxy demo
  vncproxy demo --port 7000 --listen 0.0.0.0
  vncproxy demo --target 192.0.2.7:5901,secret
""",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=6080,
    show_default=True,
    help="TCP port; 0 takes a free one.",
)
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--target",
    metavar="HOST:PORT[,PASSWORD]",
    default="",
    help="An existing VNC server to show instead of the test card.",
)
def demo(port: int, listen: str, target: str) -> None:
    """Serve a demonstration console; nothing needs to be configured."""
    from ..demo.run import run as serve

    sys.exit(serve(port, listen, target))


@click.command(
    short_help="Check a configuration file.",
    epilog="""\b
Exit status: 0 no failures (there may be warnings), 1 something that is configured fails,
2 the file cannot be used.
""",
)
@click.option(
    "--config",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configuration file.",
)
@json_option
def check_config(config: Path, as_json: bool) -> None:
    """Read a configuration file, dial Redis and every backend, and print what is wrong."""
    from ..config.check.run import Finding, render

    status = 0
    try:
        findings = _findings(config)
        status = 0 if all(finding.ok for finding in findings) else 1
    except Misconfigured as e:
        if not as_json:
            raise
        findings = [Finding("configuration", False, line) for line in e.message.splitlines()]
        status = e.exit_code
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        click.echo(printable_lines(render(findings)))
    sys.exit(status)


def print_findings(config: Path) -> bool:
    """Check a configuration, and print what is found; returns whether all is well.

    Raises:
        Misconfigured: it cannot be used.
    """
    from ..config.check.run import render

    findings = _findings(config)
    click.echo(printable_lines(render(findings)))
    return all(finding.ok for finding in findings)


def _findings(path: Path) -> Sequence[Finding]:
    from .. import tap
    from ..config.check import run as check_config
    from ..service.archive import checks
    from ..service.start_page import login_checks

    async def check(reactor: Any) -> Sequence[Finding]:
        """Check with the components of the settings, and close them."""
        links = tap.links_to_check(settings, reactor)
        components = tap.make_components(settings, reactor, links=links)
        try:
            return await check_config.check(
                settings,
                components.backends,
                components.store,
                reactor,
                sources=components.sources,
                services={
                    **components.services,
                    **checks(settings, components.calls),
                    **login_checks(settings, reactor),
                },
            )
        finally:
            await components.close(reactor)

    try:
        settings = tap.load(path)
        return run(check)
    except ConfigurationError as e:
        raise Misconfigured(str(e)) from e


@click.group()
def key() -> None:
    """Make keys for the HTTP API, list and revoke them."""


@key.command(
    epilog="""\b
Examples:
  vncproxy key new portal
  vncproxy key new monitoring --scope read
  vncproxy key new tenant-a --scope issue --backend kvm-a --backend kvm-b
  vncproxy key new --zone madrid
""",
)
@click.argument("name", default="portal")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do: issue and revoke tokens, read everything, or all; repeatable.  "
    "[default: issue, read]",
)
@click.option(
    "--backend",
    "backends",
    multiple=True,
    metavar="NAME",
    help="A backend that it may use, [backends.NAME]; repeatable.  [default: all]",
)
@click.option(
    "--zone",
    metavar="NAME",
    help="Make a key to sign requests with, to this zone, instead of a key for the API.",
)
@json_option
def new(
    name: str, scopes: tuple[str, ...], backends: tuple[str, ...], zone: str | None, as_json: bool
) -> None:
    """Make a key, and the lines for the configuration file of the proxy.

    The key itself is stored nowhere: hand it to the program that will use it. NAME appears in logs.
    """
    from ..api.keys import new_api_key

    if zone is not None:
        print_zone_key(zone, as_json)
        return
    if not _NAME.fullmatch(name):
        raise click.BadParameter(
            "begin with a letter or digit; letters, digits, - and _ may follow, 64 in all",
            param_hint="NAME",
        )
    secret, digest = new_api_key()
    table = {
        "hash": digest,
        "scopes": list(dict.fromkeys(scopes)) or ["issue", "read"],
        "backends": list(dict.fromkeys(backends)) or ["*"],
    }
    if as_json:
        print_json({"name": name, "key": secret, **table})
    else:
        click.echo(f"key:  {secret}\nhash: {digest}\n\n{_toml(name, table)}")


def _toml(name: str, table: Mapping[str, object]) -> str:
    """JSON's strings and lists of strings are TOML as well."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(["# for the configuration file:", f"[api.keys.{name}]", *lines])
