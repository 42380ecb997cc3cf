"""``vncproxy proxies`` and ``vncproxy drain``: list proxies, and empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .connection import api_command, json_option, print_json
from .layout import table
from .unconfirmed import warn_unconfirmed

if TYPE_CHECKING:
    from ..answers import Proxy
    from ..client import Client

_TITLES = ("NAME", "ID", "ZONE", "VERSION", "WORKERS", "SESSIONS", "OF", "STATE", "URL")


@click.command()
@json_option
@api_command
def proxies(api: Client, as_json: bool) -> None:
    """List the proxies that share their tokens, and how they differ although they should not."""
    answer = api.list_proxies()
    if as_json:
        print_json(answer)
        return
    found = answer["proxies"]
    titles: tuple[str, ...] = _TITLES
    rows = [_row(proxy) for proxy in found]
    if any(proxy["serves"] is not None for proxy in found):
        titles = (*titles, "SERVES")
        rows = [(*row, _hosts(proxy)) for row, proxy in zip(rows, found, strict=True)]
    click.echo(table(titles, rows))
    for warning in answer["warnings"]:
        click.echo(f"warning: {warning['message']}", err=True)


@click.command()
@click.argument("proxy", required=False)
@json_option
@api_command
def drain(api: Client, proxy: str | None, as_json: bool) -> None:
    """Let the PROXY (its name or ID) take no new sessions, before it is stopped.

    Its browsers move to other proxies within seconds, and the sessions that are left end with
    proxy.drain_timeout. Without PROXY, it is the only one that there is.
    """
    answer = api.drain_proxy(proxy or _only_one(api))
    if as_json:
        print_json(answer)
        return
    click.echo(f"draining {_processes(answer['draining'])}; see vncproxy proxies")
    warn_unconfirmed(answer)


def _only_one(api: Client) -> str:
    found = api.list_proxies()["proxies"]
    if len(found) != 1:
        names = ", ".join(proxy["name"] for proxy in found)
        raise click.UsageError(f"there are {len(found)} proxies, so name one: {names}")
    return found[0]["id"]


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def _hosts(proxy: Proxy) -> str:
    serves = proxy["serves"]
    return "all hosts" if serves is None else ", ".join(serves) or "none"


def _row(proxy: Proxy) -> tuple[str, ...]:
    """Return a row; a key for some backends does not see how busy a proxy is."""
    return (
        proxy["name"],
        proxy["id"],
        proxy["zone"] or "-",
        proxy["version"],
        str(len(proxy["workers"])) if "workers" in proxy else "-",
        str(proxy.get("sessions", "-")),
        str(proxy["limits"]["sessions"]) if "limits" in proxy else "-",
        "draining" if proxy["draining"] else "serving",
        proxy["base_url"],
    )
