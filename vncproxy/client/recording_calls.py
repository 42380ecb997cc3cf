"""The requests that are about recordings, as `vncproxy.client.calls` has others."""

from __future__ import annotations

from typing import Final

from .. import answers
from .call import Call, given, part

BINARY: Final = "application/octet-stream"


def list_recordings(
    *,
    vm: str | None = None,
    user: str | None = None,
    session: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> Call[answers.RecordingList]:
    """List recordings, the newest first: those that match every argument, a page of them.

    Args:
        since: RFC 3339, or a day in UTC; they began then or later.
        until: they began before.
        limit: the most of a page, which may have fewer while there are more.
        after: the ``next`` of the page before.
    """
    query = given(vm=vm, user=user, session=session, since=since, until=until)
    return Call("GET", "/v1/recordings", query | given(limit=limit, after=after))


def show_recording(session_id: str) -> Call[answers.Recording]:
    """Show what a recording is of."""
    return Call("GET", f"/v1/recordings/{part(session_id)}")


def delete_recording(session_id: str) -> Call[answers.DeletedRecording]:
    """Delete a recording that has ended, and revoke the links to it."""
    return Call("DELETE", f"/v1/recordings/{part(session_id)}")


def get_recording(session_id: str) -> Call[bytes]:
    """Return the file of a recording, all of it in memory; `Client.save` writes it to a file."""
    return Call("GET", f"/v1/recordings/{part(session_id)}/file", media_type=BINARY)


def link_recording(
    session_id: str,
    user: str,
    *,
    ttl: float | None = None,
    download: bool = False,
    idempotency_key: str | None = None,
) -> Call[answers.RecordingLink]:
    """Make a link by which a person watches one recording, also while it is made.

    Args:
        user: who watches, as named in the audit.
        ttl: seconds within which it is opened.
        download: whether it gives the file, too.
        idempotency_key: of this request, however often it is sent.
    """
    body: dict[str, object] = {"user": user, "download": download}
    body |= {} if ttl is None else {"ttl": ttl}
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return Call("POST", f"/v1/recordings/{part(session_id)}/links", body=body, headers=headers)


def revoke_recording_links(
    session_id: str, *, link: str | None = None
) -> Call[answers.RevokedLinks]:
    """Revoke the links to a recording, all or the one with this id."""
    return Call("DELETE", f"/v1/recordings/{part(session_id)}/links", given(link=link))
