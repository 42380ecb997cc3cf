"""``vncproxy sessions``: list and end live sessions."""

from __future__ import annotations

from typing import Any

import click

from .connection import Api, Call, api_command, json_option, print_json, segment
from .layout import duration, size, table

_TITLES = ("ID", "VM", "USER", "TYPE", "CLIENT", "STARTED", "FOR", "DOWN", "UP")


@click.group()
def sessions() -> None:
    """List and end the live sessions of the proxy whose API is called."""


@sessions.command("list")
@json_option
@api_command
def list_sessions(api: Api, as_json: bool) -> None:
    """List the live sessions, oldest first."""
    answer = api.ask(Call("GET", "/v1/sessions"))
    if as_json:
        print_json(answer["sessions"])
    elif answer["sessions"]:
        click.echo(table(_TITLES, [_row(session) for session in answer["sessions"]]))
    else:
        click.echo("no sessions are open")


@sessions.command(short_help="End a session.")
@click.argument("session_id", metavar="ID")
@click.option("--revoke", is_flag=True, help="Revoke its token, too, and end its other sessions.")
@json_option
@api_command
def end(api: Api, session_id: str, revoke: bool, as_json: bool) -> None:
    """End the session with this ID; its user reads that an administrator ended it.

    The user can open the console again by reloading the page, as long as the link or the browser's
    cookie is good; --revoke prevents that.
    """
    query = {"revoke": "true"} if revoke else {}
    answer = api.ask(Call("DELETE", f"/v1/sessions/{segment(session_id)}", query=query))
    if as_json:
        print_json(answer)
    else:
        click.echo(f"ended session {session_id}{_reentry(answer)}")


def _reentry(answer: dict[str, Any]) -> str:
    """Return a clause that says whether the user can open the console again."""
    match answer:
        case {"revoked": 0}:
            return "; its token could not be revoked: another issuer's, or gone already"
        case {"revoked": _}:
            return " and revoked its token"
    return "; its user can come back by reloading the page, unless you --revoke its token"


def _row(session: dict[str, Any]) -> tuple[str, ...]:
    return (
        session["id"],
        session["vm"] or "-",
        session["user"] or "-",
        session["type"],
        session["client"],
        session["started_at"],
        duration(session["seconds"]),
        size(session["bytes_down"]),
        size(session["bytes_up"]),
    )
