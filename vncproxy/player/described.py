"""What the page has to know of a recording, as a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..recording.writing import About
from ..replay.contents import Contents, told


def describe(about: About, table: Contents | None, *, may_download: bool) -> Mapping[str, object]:
    """Return the contents that the page asks for, as `docs/recording.md` has them.

    Args:
        table: of the playable copy; None while the session is recorded, which is followed then.
        may_download: whether this user may have the file.
    """
    members: dict[str, Any] = {"v": 1, **told(about), "may_download": may_download}
    if table is None:
        return {**members, "state": "recording", "segments": [], "idle": [], "sizes": []}
    known = table.as_json()
    del known["about"]
    return {**known, **members, "state": "ended" if table.ended else "cut"}
