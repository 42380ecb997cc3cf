"""``vncproxy recordings``: list, show, link, save and delete recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .connection import api_command, json_option, print_json
from .failures import Misconfigured, Refused
from .layout import duration, facts, size, table

if TYPE_CHECKING:
    from ..answers import Recording
    from ..client import Client

_TITLES = ("SESSION", "VM", "USER", "CLIENT", "STARTED", "FOR", "SIZE", "STATE", "PLAYABLE")
_session = click.argument("session_id", metavar="SESSION")


@click.group()
def recordings() -> None:
    """List, watch, save and delete recordings that proxies keep.

    The API key needs the scope "review". `vncproxy recording` is for files.
    """


@recordings.command("list")
@click.option("--vm", metavar="BACKEND/VM", help="Those of this machine.")
@click.option("--user", metavar="USER", help="Those of this user.")
@click.option(
    "--since", metavar="TIME", help="Began then or later: 2026-01-02T03:04:05Z, or a day."
)
@click.option("--until", metavar="TIME", help="Began before this time.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@json_option
@api_command
def list_recordings(api: Client, limit: int, as_json: bool, **criteria: str | None) -> None:
    """List recordings, the newest first; of several options, all have to match."""
    found, more = _pages(api, limit, criteria)
    if as_json:
        print_json(found)
    elif found:
        click.echo(table(_TITLES, [_row(each) for each in found]))
        if more:
            click.echo(f"there are more than {limit}", err=True)
    else:
        click.echo("there are no such recordings" if any(criteria.values()) else "no recordings")


@recordings.command()
@_session
@json_option
@api_command
def show(api: Client, session_id: str, as_json: bool) -> None:
    """Show the recording of SESSION."""
    found = api.show_recording(session_id)
    if as_json:
        print_json(found)
    else:
        click.echo(facts({name: _shown(name, value) for name, value in found.items()}))


@recordings.command()
@_session
@click.option("--user", required=True, help="Who watches, as named in the audit.")
@click.option("--ttl", type=click.FloatRange(1, 86400), help="Seconds within which it is opened.")
@click.option(
    "--download", is_flag=True, help='It gives the file, too; needs the scope "download".'
)
@json_option
@api_command
def link(
    api: Client, session_id: str, user: str, ttl: float | None, download: bool, as_json: bool
) -> None:
    """Print a link to watch the recording of SESSION, also while it goes on.

    It is good for ten minutes after it was last used.
    """
    made = api.link_recording(session_id, user, ttl=ttl, download=download)
    print_json(made) if as_json else click.echo(made["url"])


@recordings.command()
@_session
@click.option("--link", "link_id", metavar="ID", help="Only the link with this id.")
@json_option
@api_command
def revoke(api: Client, session_id: str, link_id: str | None, as_json: bool) -> None:
    """Revoke the links to the recording of SESSION; those who watch by them see no more."""
    answer = api.revoke_recording_links(session_id, link=link_id)
    if as_json:
        print_json(answer)
        return
    count = answer["revoked"]
    click.echo(f"revoked {count} link{'' if count == 1 else 's'}")


@recordings.command()
@_session
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file.",
)
@api_command
def save(api: Client, session_id: str, output: Path) -> None:
    """Save the file of the recording of SESSION; the key needs the scope "download", too."""
    from ..client.recording_calls import get_recording

    try:
        with output.open("xb") as file:
            saved = api.save(get_recording(session_id), file)
    except FileExistsError as e:
        raise Refused(f"{output} exists") from e
    except OSError as e:
        raise Misconfigured(f"{output}: {e.strerror}") from e
    except Exception:
        output.unlink(missing_ok=True)
        raise
    click.echo(f"{output}: {size(saved)}")


@recordings.command()
@_session
@click.confirmation_option("--yes", prompt="Delete the recording for good?")
@api_command
def delete(api: Client, session_id: str) -> None:
    """Delete the recording of SESSION; the key needs the scope "admin", too."""
    api.delete_recording(session_id)
    click.echo(f"deleted the recording of session {session_id}")


def _pages(api: Client, limit: int, criteria: dict[str, Any]) -> tuple[list[Recording], bool]:
    """Return up to so many recordings, and whether there are more."""
    found: list[Recording] = []
    after: str | None = None
    while True:
        answer = api.list_recordings(**criteria, limit=limit - len(found), after=after)
        found += answer["recordings"]
        after = answer["next"]
        if after is None or len(found) >= limit:
            return found, after is not None


def _shown(name: str, value: Any) -> str:
    match name:
        case "seconds":
            return duration(value)
        case "bytes":
            return size(value)
        case "sealed" | "keys":
            return "yes" if value else "no"
    return "-" if value is None else str(value)


def _row(each: Recording) -> tuple[str, ...]:
    return (
        each["session"],
        each["vm"],
        each["user"] or "-",
        each["client"],
        each["started_at"],
        duration(each["seconds"]),
        size(each["bytes"]),
        each["state"],
        each["playable"],
    )
