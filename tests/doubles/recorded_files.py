"""Recordings that were written as the proxy writes them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vncproxy.recording.events import Event, Source
from vncproxy.recording.writing import About, RecordingWriter

BEGAN = 1800000000.25
"""2027-01-15 08:00:00 UTC, and a quarter."""


def about(session: str = "7f3a", began: float = BEGAN, **more: str) -> About:
    members: dict[str, Any] = {"vm": "kvm/web-01", "user": "alice", "client": "192.0.2.1", **more}
    return About(
        session=session,
        token="ab12",
        type="novnc",
        proxy="proxy-1",
        started_at=began,
        **members,
    )


def recording(
    session: str = "7f3a", began: float = BEGAN, end: str = "client-gone", **more: str
) -> bytes:
    """Return a recording of a quarter of a second; without `end`, it is cut."""
    writer = RecordingWriter(about(session, began, **more))
    event = Event(Source.SERVER, 1000, b"init" * 100)
    data = writer.begin() + writer.events([event])
    return data + (writer.end(end, 250_000) if end else b"")


def name_of(session: str, began: float = BEGAN) -> str:
    return f"{datetime.fromtimestamp(began, UTC):%Y-%m-%d/%H%M%S}-{session}.vncr"


def keep(folder: Path, session: str = "7f3a", began: float = BEGAN, **more: str) -> Path:
    """Write a recording into a directory; it was changed last when it ended."""
    path = folder / name_of(session, began)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(recording(session, began, **more))
    os.utime(path, (began + 1, began + 1))
    return path
