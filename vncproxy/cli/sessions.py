"""``vncproxy sessions``: list, show, change and end live sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ..model import ConsoleType
from .connection import api_command, json_option, print_json
from .layout import duration, facts, size, table
from .unconfirmed import warn_unconfirmed

if TYPE_CHECKING:
    from ..answers import EndedSessions, Session
    from ..client import Client

_TITLES = ("ID", "VM", "USER", "MODE", "TYPE", "CLIENT", "STARTED", "FOR", "DOWN", "UP")


def _criteria(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose sessions."""
    for name, metavar, text in reversed(
        (
            ("vm", "BACKEND/VM", "Those of this machine."),
            ("user", "USER", "Those of this user."),
            ("token", "ID", "Those of the token with this id."),
            ("proxy", "NAME", "Those at the proxy with this name or id."),
        )
    ):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


def _viewer_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option for the type of viewer."""
    return click.option(
        "--type",
        "viewer",
        type=click.Choice([kind.value for kind in ConsoleType]),
        default=ConsoleType.NOVNC.value,
        show_default=True,
        help="A browser, or a TCP viewer.",
    )(command)


@click.group()
def sessions() -> None:
    """List, show, join, change and end the live sessions of proxies that share their tokens."""


@sessions.command("list")
@_criteria
@click.option("--from-zone", metavar="ZONE", help="Those of users of this zone.")
@click.option("--to-zone", metavar="ZONE", help="Those of consoles of this zone.")
@click.option("--waiting", is_flag=True, help="Those that wait for consent or approval.")
@click.option("--limit", type=click.IntRange(1, 1000), help="Only the oldest so many.")
@json_option
@api_command
def list_sessions(
    api: Client, limit: int | None, waiting: bool, as_json: bool, **criteria: str | None
) -> None:
    """List the live sessions, oldest first; of several options, all have to match."""
    criteria["state"] = "waiting" if waiting else None
    answer = api.list_sessions(**criteria, limit=limit)
    if as_json:
        print_json(answer["sessions"])
    elif answer["sessions"]:
        click.echo(table(_TITLES, [_row(session) for session in answer["sessions"]]))
        if answer.get("next"):
            click.echo(f"there are more than {limit}", err=True)
    else:
        click.echo(
            "no such sessions are open" if _any(criteria) or limit else "no sessions are open"
        )


@sessions.command()
@click.argument("session_id", metavar="ID")
@json_option
@api_command
def show(api: Client, session_id: str, as_json: bool) -> None:
    """Show the session with this ID, which stands in the user's page and in the log."""
    session = api.show_session(session_id)
    if as_json:
        print_json(session)
    else:
        click.echo(facts({name: _shown(name, value) for name, value in session.items()}))


@sessions.command(short_help="Let a user control a machine, or only view it.")
@click.argument("session_id", metavar="ID")
@click.argument("mode", type=click.Choice(["control", "view-only"]))
@json_option
@api_command
def change(api: Client, session_id: str, mode: str, as_json: bool) -> None:
    """Let the user of the session with this ID control the machine, or only view it.

    It holds until it is changed again, also when the browser enters the console again by its
    cookie, whatever the policy of the link says. A link that can be used again opens sessions with
    its own policy: end the session with --revoke to prevent that.
    """
    answer = api.change_session(session_id, mode)
    if as_json:
        print_json(answer)
        return
    if "unconfirmed" not in answer:
        then = "; its page enters again, as a session with another ID" if answer["reenters"] else ""
        click.echo(f"session {session_id} is {mode} now{then}")
    warn_unconfirmed(answer)


@sessions.command(short_help="End sessions.")
@click.argument("session_id", metavar="[ID]", required=False)
@_criteria
@click.option("--revoke", is_flag=True, help="Revoke its token, too, and end its other sessions.")
@json_option
@api_command
def end(
    api: Client, session_id: str | None, revoke: bool, as_json: bool, **criteria: str | None
) -> None:
    """End the session with this ID, or all that the options choose.

    Their users read that an administrator ended them, and can open the console again by reloading
    the page, as long as the link or the browser's cookie is good; --revoke prevents that for one
    session, and `vncproxy token revoke` for all of a machine or user.
    """
    several = _any(criteria)
    if bool(session_id) == several:
        raise click.UsageError("give either an ID or options that choose sessions")
    if several and revoke:
        raise click.UsageError("--revoke needs an ID; `vncproxy token revoke` revokes several")
    if session_id:
        answer = api.end_session(session_id, revoke=revoke)
    else:
        answer = api.end_sessions(**criteria)
    if as_json:
        print_json(answer)
        return
    if session_id and answer["ended"]:
        click.echo(f"ended session {session_id}{_reentry(answer)}")
    else:
        click.echo(f"ended {answer['ended']} session{'' if answer['ended'] == 1 else 's'}")
    warn_unconfirmed(answer)


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.option("--user", required=True, help="Who looks, as named in the audit log.")
@click.option("--control", is_flag=True, help="Use keyboard and mouse, too.")
@click.option(
    "--announce/--silent",
    default=None,
    help="Whether the users at the machine see it; the proxy has a default.",
)
@_viewer_option
@json_option
@api_command
def shadow(
    api: Client,
    session_id: str,
    user: str,
    control: bool,
    announce: bool | None,
    viewer: Any,
    as_json: bool,
) -> None:
    """Print a link to look at the session with this ID; it ends with the session.

    The API key needs the scope "shadow". The audit log says who looked, and whether it was
    announced.
    """
    mode: Any = "control" if control else "view-only"
    link = api.shadow_session(session_id, user, mode=mode, announce=announce, type=viewer)
    print_json(link) if as_json else click.echo(link["url"])


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.option("--user", required=True, metavar="NAME", help="A name for the guest.")
@click.option("--control", is_flag=True, help="The guest may use keyboard and mouse, too.")
@_viewer_option
@json_option
@api_command
def invite(
    api: Client, session_id: str, user: str, control: bool, viewer: Any, as_json: bool
) -> None:
    """Print a link for a guest of the session with this ID; it ends with the session.

    The session's policy has to allow it: may_invite.
    """
    mode: Any = "control" if control else "view-only"
    link = api.invite_to_session(session_id, user, mode=mode, type=viewer)
    print_json(link) if as_json else click.echo(link["url"])


def _any(criteria: dict[str, str | None]) -> bool:
    return any(value is not None for value in criteria.values())


def _reentry(answer: EndedSessions) -> str:
    """Return a clause that says whether the user can open the console again."""
    match answer:
        case {"revoked": 0}:
            return "; its token could not be revoked: another issuer's, or gone already"
        case {"revoked": _}:
            return " and revoked its token"
    return "; its user can come back by reloading the page, unless you --revoke its token"


def _shown(name: str, value: Any) -> str:
    match name:
        case "approval" if value is not None:
            names = f": {', '.join(value['by'])}" if value["by"] else ""
            return f"{len(value['by'])} of {value['needed']}{names}"
        case "seconds":
            return duration(value)
        case "bytes_down" | "bytes_up":
            return size(value)
    return "-" if value is None else str(value)


def _row(session: Session) -> tuple[str, ...]:
    return (
        session["id"],
        session["vm"] or "-",
        session["user"] or "-",
        session["mode"],
        session["type"],
        session["client"],
        session["started_at"],
        duration(session["seconds"]),
        size(session["bytes_down"]),
        size(session["bytes_up"]),
    )
