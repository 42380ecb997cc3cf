"""What the page has to know of a recording, as a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..recording.writing import About
from ..replay import Contents


def describe(about: About, table: Contents | None, *, may_download: bool) -> Mapping[str, object]:
    """Return the contents that the page asks for, as `docs/recording.md` has them.

    Args:
        table: of the playable copy; None while the session is recorded, which is followed then.
        may_download: whether this user may have the file.
    """
    members: dict[str, Any] = {
        "v": 1,
        "session": about.session,
        "vm": about.vm,
        "user": about.user,
        "client": about.client,
        "type": about.type,
        "proxy": about.proxy,
        "started_at": about.started_at,
        "keys": about.keys,
        "may_download": may_download,
    }
    if table is None:
        return {**members, "state": "recording", "segments": [], "idle": [], "sizes": []}
    return {**table.as_json(), **members, "state": "ended" if table.ended else "cut"}
