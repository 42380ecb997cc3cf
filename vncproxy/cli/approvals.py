"""``vncproxy sessions approve``, ``deny`` and ``withdraw``: sessions that wait for approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .connection import api_command, json_option, print_json
from .sessions import sessions

if TYPE_CHECKING:
    from ..answers import SessionApproval
    from ..client import Client

_by = click.option("--by", metavar="NAME", help="The person behind the key, who counts then.")
_id = click.argument("session_id", metavar="ID")


@sessions.command(short_help="Approve of a session that waits.")
@_id
@_by
@json_option
@api_command
def approve(api: Client, session_id: str, by: str | None, as_json: bool) -> None:
    """Approve of the session with this ID, which waits for approval.

    The key needs the scope `approve`. It counts once, however often it approves; a key that stands
    for several people names one of them with --by.
    """
    answer = api.approve_session(session_id, by=by)
    if as_json:
        print_json(answer)
        return
    missing = answer["needed"] - len(answer["by"])
    more = f"{missing} more needed" if missing > 0 else "it opens now, if its user has agreed"
    click.echo(f"approved session {session_id}; {more}")


@sessions.command(short_help="Deny a session that waits.")
@_id
@_by
@click.option("--reason", metavar="TEXT", default="", help="Words that its user is shown.")
@json_option
@api_command
def deny(api: Client, session_id: str, by: str | None, reason: str, as_json: bool) -> None:
    """Let the session with this ID, which waits for approval, not begin.

    Its user can open the link again and wait anew; `vncproxy token revoke` prevents that.
    """
    answer = api.deny_session(session_id, reason=reason, by=by)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"denied session {session_id}")


@sessions.command(short_help="Withdraw an approval.")
@_id
@_by
@json_option
@api_command
def withdraw(api: Client, session_id: str, by: str | None, as_json: bool) -> None:
    """Withdraw an approval of the session with this ID.

    While it waits, the approval counts no more. A session that is open ends, and its token is
    revoked, so that its user cannot come back by it.
    """
    answer = api.withdraw_approval(session_id, by=by)
    if as_json:
        print_json(answer)
    else:
        click.echo(_withdrawn(session_id, answer))


def _withdrawn(session_id: str, answer: SessionApproval) -> str:
    if answer["ended"]:
        return f"ended session {session_id} and revoked its token"
    return (
        f"withdrawn; session {session_id} has {len(answer['by'])} of {answer['needed']} approvals"
    )
